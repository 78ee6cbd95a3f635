"""`redact` and `facts` in the YAML file: what is taken, and every mistake with its place and what to do."""

from __future__ import annotations

import pytest

from relay.routing.per_route import every_redaction, facts_for, redact_for
from relay.settings import Config
from relay.settings.check import check_config
from relay.settings.redactions import Builtin

START = "default_channel: C0X\n"


def findings(text: str) -> list[str]:
    _, found = check_config(START + text, "c.yaml")
    return [f"{one.where} {one.code}" for one in found]


def config(text: str) -> Config:
    made, found = check_config(START + text, "c.yaml")
    assert made is not None, found
    return made


def test_every_built_in_and_patterns_of_ones_own() -> None:
    made = config("redact: [payment_card, iban, email, phone, secret, {name: order, pattern: 'O-[0-9]+'}]\n")
    assert [rule.builtin for rule in made.redact] == [*Builtin, None]
    redactor = redact_for(made, "default_channel")
    assert redactor is not None
    assert redactor.clean("O-5 of jane@x.com") == "[order hidden] of [e-mail address hidden]"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("redact: [emial]\n", "c.yaml:2:10 unknown_redaction"),
        ("redact:\n  - payment_card\n  - e-mail\n", "c.yaml:4:5 unknown_redaction"),
        ("redact: email\n", "c.yaml:2:9 wrong_type"),
        ("redact:\n  - {name: x, pattern: '(a'}\n", "c.yaml:3:24 bad_pattern"),
        ("redact:\n  - {name: x, pattern: '(?=a)'}\n", "c.yaml:3:24 bad_pattern"),
        ("redact:\n  - {name: x, pattern: '(a)\\1'}\n", "c.yaml:3:24 bad_pattern"),
        ("redact:\n  - {name: x, pattern: 'a*'}\n", "c.yaml:3:24 empty_pattern"),
        ("redact:\n  - {name: 'a]b', pattern: 'a'}\n", "c.yaml:3:12 bad_name"),
        ("redact:\n  - {pattern: 'a'}\n", "c.yaml:3:5 missing"),
        ("redact:\n  - {name: x, patern: 'a'}\n", "c.yaml:3:15 unknown_key"),
        ("facts: [e-mail]\n", "c.yaml:2:9 unknown_fact"),
        ("facts: [metadata.]\n", "c.yaml:2:9 unknown_fact"),
        ("facts: [email, name]\n", "c.yaml:2:16 unknown_fact"),
        (f"facts: [{', '.join(f'metadata.k{n}' for n in range(11))}]\n", "c.yaml:2:8 too_many"),
        ("routes:\n- {name: a, when: {group_id: 1}, channel: C0Y, redact: [cards]}\n", "c.yaml:3:57 unknown_redaction"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, told: str) -> None:
    assert told in findings(text)


def test_a_mistake_is_told_with_what_was_meant() -> None:
    _, found = check_config(START + "redact: [paymentcard]\nfacts: [emial]\n", "c.yaml")
    assert ["Did you mean `payment_card`?" in found[0].hint, "Did you mean `email`?" in found[1].hint] == [True, True]


def test_a_hint_says_what_re2_does_not_know() -> None:
    _, found = check_config(START + "redact: [{name: x, pattern: '(?<=a)b'}]\n", "c.yaml")
    assert "no look-around" in found[0].hint


ROUTES = """redact: [email]
facts: [locale]
routes:
- {name: more, when: {group_id: 1}, channel: C0Y, redact: [iban], facts: [email]}
- {name: less, when: {group_id: 2}, channel: C0Y, redact: [], facts: []}
- {name: same, when: {group_id: 3}, channel: C0Y}
"""


@pytest.mark.parametrize(
    ("rule", "shown", "facts"),
    [
        ("channels", "DE89370400440532013000 [e-mail address hidden]", ("locale",)),
        ("default_channel", "DE89370400440532013000 [e-mail address hidden]", ("locale",)),
        ("routes:same", "DE89370400440532013000 [e-mail address hidden]", ("locale",)),
        ("routes:gone", "DE89370400440532013000 [e-mail address hidden]", ("locale",)),
        ("routes:more", "[IBAN hidden] jane@x.com", ("email",)),
        ("routes:less", "DE89370400440532013000 jane@x.com", ()),
    ],
)
def test_a_route_has_its_own_word_and_all_others_that_of_the_file(
    rule: str, shown: str, facts: tuple[str, ...]
) -> None:
    made, text = config(ROUTES), "DE89370400440532013000 jane@x.com"
    redactor = redact_for(made, rule)
    assert (redactor.clean(text) if redactor else text) == shown
    assert facts_for(made, rule) == facts


def test_what_any_chat_hides_is_known() -> None:
    assert [rule.name for rule in every_redaction(config(ROUTES))] == ["email", "iban"]
