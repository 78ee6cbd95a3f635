"""What is hidden in a text: every detail of the corpus, nothing that only looks like one, in time that is bounded."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis.strategies import text
from structlog.testing import capture_logs

from relay.routing.redact import Redacted, Redactor, redactor
from relay.settings.redactions import Redaction
from tests.privacy.corpus import ALL, Example, examples

EXAMPLES = examples()
DETAILS = [one for one in EXAMPLES if one.details]
LOOK_ALIKES = [one for one in EXAMPLES if not one.details]
TAIL = " card 4111 1111 1111 1111, jane@example.com, DE89 3704 0044 0532 0130 00, +49 171 1234567, password: hunter2"
PIECES = ("4111", "jane@", "0532", "1234567", "hunter2")


def hides(*rules: object) -> Redactor:
    made = redactor(tuple(Redaction.model_validate(rule) for rule in rules or ALL))
    assert made is not None
    return made


def test_there_are_two_hundred_examples_and_more() -> None:
    assert len(EXAMPLES) >= 200
    assert len(LOOK_ALIKES) >= 80


@pytest.mark.parametrize("example", DETAILS, ids=lambda one: one.text[:30])
def test_every_detail_is_hidden_and_nothing_beside_it(example: Example) -> None:
    shown = hides().hide(example.text)
    assert example.leaked_in(shown.text) == []
    assert example.is_shown_as_meant(shown.text), shown.text
    assert shown.count == len(example.details)


@pytest.mark.parametrize("example", LOOK_ALIKES, ids=lambda one: one.text[:30])
def test_what_only_looks_like_a_detail_stays_to_the_byte(example: Example) -> None:
    shown = hides().hide(example.text)
    assert (shown.text, shown.count) == (example.text, 0)


@pytest.mark.parametrize(
    ("rule", "text", "shown"),
    [
        ("payment_card", "4111 1111 1111 1111 or jane@example.com", "[payment card hidden] or jane@example.com"),
        ("iban", "DE89 3704 0044 0532 0130 00, password: x12", "[IBAN hidden], password: x12"),
        ("email", "jane@example.com or +49 171 1234567", "[e-mail address hidden] or +49 171 1234567"),
        ("phone", "+49 171 1234567 or jane@example.com", "[phone number hidden] or jane@example.com"),
        ("secret", "password: hunter2, jane@example.com", "password: [secret hidden], jane@example.com"),
        ({"name": "order", "pattern": r"ORD-\d+"}, "see ORD-77", "see [order hidden]"),
        ({"name": "case", "pattern": r"(?i)fall \d+"}, "Fall \uff11\uff12", "[case hidden]"),
    ],
)
def test_each_rule_hides_its_own(rule: object, text: str, shown: str) -> None:
    assert hides(rule).clean(text) == shown


def test_no_rules_are_no_redactor() -> None:
    assert redactor(()) is None


def test_nothing_is_hidden_in_what_another_rule_has_put_there() -> None:
    both = hides("email", {"name": "word", "pattern": "hidden|address"})
    assert both.clean("jane@example.com is hidden") == "[e-mail address hidden] is [word hidden]"


def test_what_overlaps_is_one_detail() -> None:
    shown = hides("secret", "email").hide("password: jane@example.com")
    assert (shown.text, shown.count) == ("password: [secret hidden]", 1)


def test_a_link_stays_one_word() -> None:
    shown = hides().clean("see https://shop.example/?email=jane@example.com&a=1 now")
    assert shown == "see https://shop.example/?email=[e-mail-address-hidden]&a=1 now"


HOSTILE = {
    "digits": "1" * 100_000,
    "single digits": "4 " * 50_000,
    "groups of four": "4444 " * 20_000,
    "pluses": "+1" * 50_000,
    "numbers": "+49 171 1234567 " * 6_000,
    "numbers at home": "0171 1234567, " * 7_000,
    "pairs": "01 " * 33_000,
    "brackets": "(1) " * 25_000,
    "signs": "@" * 100_000,
    "halves of addresses": "a@" * 50_000,
    "addresses": "a.b@c." * 16_000,
    "dots": "a@" + "a." * 49_000,
    "tokens": "sk-" * 33_000,
    "half tokens": "eyJaaaaaaaa." * 8_000,
    "words": "password " * 11_000,
    "quotes": 'password: "' * 9_000,
    "keys": "-----BEGIN KEY-----" * 5_000,
    "begun keys": "-----BEGIN " * 9_000,
    "links": "https://a.b/%41 " * 6_000,
    "one link": "https://a.b/" + "%25" * 33_000,
    "stars": "4*" * 50_000,
    "strokes": "4\u0336" * 50_000,
    "letters and digits": "AB12 " * 20_000,
    "calls": "tel 123456, " * 8_000,
    "networks": "192.168.1.1 " * 8_000,
    "user names": "a://b:" * 16_000,
    "other scripts": "привет " * 14_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_message_holds_nobody_up_and_hides_no_detail_from_us(name: str) -> None:
    """A hundred thousand characters take a tenth of a second; asserted is ten times that, for busy machines."""
    made, text = hides(), HOSTILE[name] + TAIL
    made.hide("once before, so that everything is loaded: jane@example.com 0171 1234567")
    begun = time.perf_counter()
    shown = made.clean(text)
    assert time.perf_counter() - begun < 1.0
    behind = shown[-len(TAIL) - 200 :]
    assert [one for one in PIECES if one in behind] == []


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(.*)*x", "a{1,300}b?", "(x+x+)+y", r"(\w+\s?)+\$"])
@pytest.mark.parametrize("text", ["a" * 100_000, "x" * 100_000, "a b " * 25_000])
def test_a_hostile_pattern_holds_nobody_up(pattern: str, text: str) -> None:
    made = hides({"name": "own", "pattern": pattern})
    begun = time.perf_counter()
    made.clean(text + "!")
    assert time.perf_counter() - begun < 1.0


def test_what_a_pattern_finds_too_often_is_hidden_whole() -> None:
    assert hides({"name": "own", "pattern": "a"}).clean("ba" * 5_000) == "[own hidden]"


CERTAIN = (
    *("4111 1111 1111 1111", "378282246310005", "5555-5555-5555-4444", "DE89 3704 0044 0532 0130 00"),
    *("GB82WEST12345698765432", "jane.doe@example.com", "+49 171 1234567", "+1 (415) 555-2671"),
    *("xoxb-1234567890-abcdefghij", "sk-abcdefghijklmnopqrstuvwx", "AKIAIOSFODNN7EXAMPLE"),
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc",
)
AROUND = (
    *(
        "hello",
        "12",
        "2026-11-27",
        "order",
        "5",
        "AB12",
        "de",
        "no.",
        "id",
        "pin",
        "x@",
        "+",
        "0",
        "00",
        "999",
        "1.",
        "49.99",
    ),
    *("(", "*", "**", "_", "`", "|", "-", "/", "\n", "@", "#", "[", "]", '"', "'", ":", ";", ",", "."),
    *("\u200b", "é", "привет", "注文", "👍", "<b>", "&amp;", "https://x.io/a?b=c", "www.", "mailto:"),
)


@pytest.mark.parametrize("detail", CERTAIN)
def test_whatever_stands_around_a_detail_it_is_hidden(detail: str) -> None:
    """Seeded, so that it is the same each time; what joins it to another word is not among it."""
    chance, made = random.Random(detail), hides()
    for _ in range(300):
        before, after = (chance.choices(AROUND, k=chance.randint(0, 5)) for _ in range(2))
        glue = [chance.choice(["", " ", "\n", ", "]) for _ in range(10)]
        pieces = [word + blank for word, blank in zip([*before, *after], glue, strict=False)]
        text = "".join([*pieces[: len(before)], " ", detail, " ", *pieces[len(before) :]])
        assert Example(text, (detail,)).leaked_in(made.clean(text)) == [], text


@pytest.mark.parametrize(
    "text", ["\ud800", "\udfff https://x.io/%ff", "\x00", "\ufffe", "e\u0301" * 50, "\U0001f468\u200d\U0001f469", ""]
)
def test_strange_characters_change_nothing_and_hide_nothing(text: str) -> None:
    assert hides().hide(text) == Redacted(text)
    assert "jane@" not in hides().clean(f"{text} jane@example.com {text}")


@given(text())
def test_no_text_at_all_breaks_it(written: str) -> None:
    with capture_logs() as logs:
        hides(*ALL, {"name": "own", "pattern": "x.?y"}).hide(written)
    assert logs == []


def test_what_cannot_be_searched_goes_nowhere() -> None:
    made = Redactor((Redaction(name="email"),))
    made._finders = [("broken", lambda _: 1 / 0)]  # type: ignore[list-item,return-value]
    with capture_logs() as logs:
        assert made.hide("jane@example.com") == Redacted("[message hidden]", 1)
    assert [one["event"] for one in logs] == ["redact.failed"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("jane%40example.com.pdf", "[e-mail address hidden]"),
        ("pay%20to%204111%201111%201111%201111.pdf", "pay to [payment card hidden].pdf"),
        ("4111 1111 1111 1111.pdf", "[payment card hidden].pdf"),
        ("100%25 off.pdf", "100%25 off.pdf"),
        ("a+b%20c.pdf", "a+b%20c.pdf"),
    ],
)
def test_a_files_name_is_read_as_the_end_of_an_address_may_be(name: str, shown: str) -> None:
    assert hides().hide_name(name).text == shown
