"""How well and how fast details are hidden: leaks and precision over the corpus, milliseconds per text.

python -m bench.redaction
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

from relay.routing.redact import Redactor, redactor
from relay.settings.redactions import Redaction
from tests.privacy.corpus import ALL, examples
from tests.privacy.test_redact import HOSTILE, TAIL

PLAIN = "Hello, the mug that came yesterday is broken and I would like to have a new one, please. "
USUAL = (
    "My order 123456789 of 2026-11-01 cost 49.99 EUR, please write to jane.doe@example.com or call +49 171 1234567. "
)
RUSSIAN = "Здравствуйте, мой заказ ещё не пришёл, и я хотел бы узнать, где он. "
TEXTS = {"1,000 plain characters": PLAIN, "1,000 with details": USUAL, "1,000 in another script": RUSSIAN}


def hides(rules: list[str]) -> Redactor:
    made = redactor(tuple(Redaction.model_validate(rule) for rule in rules))
    assert made is not None
    return made


def milliseconds(work: Callable[[str], object], text: str, times: int) -> tuple[float, float]:
    """Of CPU time, median and maximum; each text is new, so that no cache helps."""
    spent = []
    for number in range(times):
        begun = time.process_time()
        work(f"{text}{number}")
        spent.append(1000 * (time.process_time() - begun))
    return statistics.median(spent), max(spent)


def quality() -> str:
    made, written = hides(ALL), examples()
    shown = [(one, made.hide(one.text)) for one in written]
    leaks = sum(bool(one.leaked_in(redacted.text)) for one, redacted in shown)
    right = sum(len(one.details) for one, redacted in shown if one.is_shown_as_meant(redacted.text))
    hidden = sum(redacted.count for _, redacted in shown)
    touched = sum(redacted.count > 0 for one, redacted in shown if not one.details)
    details, alike = sum(len(one.details) for one in written), sum(not one.details for one in written)
    return (
        f"{len(written)} messages: {details} details, {leaks} leaked; {alike} look-alikes, {touched} touched; "
        f"precision {right / hidden:.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=50, help="how often each text is tried")
    times = parser.parse_args().times
    print(quality())
    made = hides(ALL)
    made.clean("once before: jane@example.com 0171 1234567 DE89 3704 0044 0532 0130 00")
    for name, text in TEXTS.items():
        median, worst = milliseconds(made.clean, (text * 20)[:1000], times)
        print(f"{name}: {median:.2f} ms, at worst {worst:.2f}")
    for rule in ALL:
        alone = hides([rule])
        median, _ = milliseconds(alone.clean, (USUAL * 20)[:1000], times)
        print(f"  {rule} alone: {median:.2f} ms")
    for name, text in HOSTILE.items():
        median, worst = milliseconds(made.clean, text + TAIL, 3)
        print(f"100 kB of {name}: {median:.0f} ms, at worst {worst:.0f}")


if __name__ == "__main__":
    main()
