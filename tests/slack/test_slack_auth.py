"""401 for whatever Slack did not sign with our secret within five minutes, and nothing else but 401."""

from __future__ import annotations

import contextlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_bodies import Workspace
from slack_sdk.signature import SignatureVerifier
from werkzeug.datastructures import EnvironHeaders, Headers

from relay.errors import Rejected
from relay.slack.auth import check_signature

NOW = 1_712_345_678
BODY = b'{"type":"event_callback","text":"\xc3\xa4\\u0000"}'
SECRETS = ["new-secret", "old-secret"]
TIMESTAMP, SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"


def made(secret: str = "new-secret", timestamp: object = NOW, body: bytes = BODY) -> str:
    """What Slack's own library makes of it."""
    return SignatureVerifier(secret).generate_signature(timestamp=str(timestamp), body=body) or ""


def signed(timestamp: object = NOW, signature: str | None = None) -> dict[str, str]:
    return {TIMESTAMP: str(timestamp), SIGNATURE: made(timestamp=timestamp) if signature is None else signature}


GOOD = made()
LET_IN = {
    "as documented": signed(),
    "the older secret": signed(signature=made("old-secret")),
    "lower case names": {name.lower(): value for name, value in signed().items()},
    "upper case names": {name.upper(): value for name, value in signed().items()},
    "five minutes old": signed(NOW - 300),
    "five minutes ahead": signed(NOW + 300),
}
KEPT_OUT = {
    "no headers": {},
    "no timestamp": {SIGNATURE: GOOD},
    "no signature": {TIMESTAMP: str(NOW)},
    "other names": {"Slack-Request-Timestamp": str(NOW), "Slack-Signature": GOOD},
    "another secret": signed(signature=made("another")),
    "another body": signed(signature=made(body=BODY + b" ")),
    "another time": signed(NOW + 1, GOOD),
    "no version": signed(signature=GOOD.removeprefix("v0=")),
    "another version": signed(signature=GOOD.replace("v0", "v1")),
    "version alone": signed(signature="v0="),
    "empty": signed(signature=""),
    "short": signed(signature=GOOD[:-1]),
    "long": signed(signature=GOOD + "0"),
    "very long": signed(signature=GOOD * 10_000),
    "wrong case": signed(signature="v0=" + GOOD[3:].upper()),
    "wrong case of the version": signed(signature=GOOD.replace("v0", "V0")),
    "blank inside": signed(signature=GOOD.replace("v0=", "v0= ")),
    "line break after": signed(signature=GOOD + "\n"),
    "doubled": signed(signature=f"{GOOD}, {GOOD}"),
    "latin-1 as WSGI gives it": signed(signature=GOOD[:-1] + "\xe9"),
    "digits of another script": signed(signature=GOOD.replace("0", "\u0660")),
    "a lone surrogate": signed(signature="v0=\ud800"),
    "NUL": signed(signature=GOOD + "\x00"),
    "five minutes and a second old": signed(NOW - 301),
    "five minutes and a second ahead": signed(NOW + 301),
    "in milliseconds": signed(NOW * 1000),
    "time doubled": signed(f"{NOW}, {NOW}"),
}
NO_TIMES = ["", " ", "now", "-1", f"-{NOW}", f"+{NOW}", f"{NOW}.0", f" {NOW}", f"{NOW} ", f"{NOW}\n", "1_712_345_678",
            "1.712345678e9", "inf", "-inf", "nan", "0x6610", "9" * 20, "9" * 10_000, "1e999", "None",
            "".join(chr(0x660 + int(digit)) for digit in str(NOW)), "²", "\ud800", "\x00", f"{NOW}\x00"]  # fmt: skip


def refused(headers: object, secrets: list[str] = SECRETS, now: float = NOW) -> Rejected:
    with pytest.raises(Rejected) as caught:
        check_signature(headers, BODY, secrets, now)  # type: ignore[arg-type]
    return caught.value


def test_it_agrees_with_the_example_in_slacks_documentation() -> None:
    """https://docs.slack.dev/authentication/verifying-requests-from-slack"""
    body = (b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
            b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
            b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
            b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c")  # fmt: skip
    signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    headers = {TIMESTAMP: "1531420618", SIGNATURE: signature}
    check_signature(headers, body, ["8f742231b10e8888abcd99yyyzzz85a5"], 1531420618.0)


@pytest.mark.parametrize("headers", LET_IN.values(), ids=LET_IN)
def test_it_lets_in_what_slack_signed(headers: dict[str, str]) -> None:
    check_signature(headers, BODY, SECRETS, float(NOW))
    check_signature(Headers(headers), BODY, SECRETS, float(NOW))  # type: ignore[arg-type]


@pytest.mark.parametrize("headers", KEPT_OUT.values(), ids=KEPT_OUT)
def test_it_keeps_everything_else_out_with_401(headers: dict[str, str]) -> None:
    error = refused(headers)
    assert (error.status, error.code) == (401, "unauthorized")


@pytest.mark.parametrize("timestamp", NO_TIMES, ids=ascii)
def test_a_time_that_is_none_is_refused_even_when_it_is_signed(timestamp: str) -> None:
    base = b"v0:%s:%s" % (timestamp.encode("utf-8", "surrogatepass"), BODY)
    digest = hmac.new(b"new-secret", base, "sha256").hexdigest()
    assert refused(signed(timestamp, f"v0={digest}")).status == 401


@pytest.mark.parametrize("now", [NOW + 300.5, NOW - 300.5, float("nan"), float("inf"), -float("inf"), 0.0])
def test_the_clock_is_the_one_it_was_given(now: float) -> None:
    assert refused(signed(), now=now).status == 401


def test_a_body_that_is_no_text_can_be_signed() -> None:
    body = bytes(range(256))
    check_signature(signed(signature=made(body=b"")) | {SIGNATURE: raw_signature(body)}, body, SECRETS, NOW)


def raw_signature(body: bytes) -> str:
    return "v0=" + hmac.new(b"old-secret", b"v0:%d:%s" % (NOW, body), "sha256").hexdigest()


@pytest.mark.parametrize("secrets", [[], [""], ["  "], ["", ""]])
@pytest.mark.parametrize("secret", ["", "  ", "new-secret"])
def test_it_fails_closed_without_a_secret(secrets: list[str], secret: str) -> None:
    digest = hmac.new(secret.encode(), b"v0:%d:%s" % (NOW, BODY), "sha256").hexdigest()
    assert refused(signed(signature=f"v0={digest}"), secrets).status == 401


def test_it_reads_the_headers_of_a_real_request() -> None:
    environ = {"HTTP_X_SLACK_REQUEST_TIMESTAMP": str(NOW), "HTTP_X_SLACK_SIGNATURE": GOOD}
    check_signature(EnvironHeaders(environ), BODY, SECRETS, NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [TIMESTAMP, SIGNATURE])
def test_a_header_given_twice_is_refused(name: str) -> None:
    """Also where both say the same, and in whatever case."""
    assert refused(Headers([*signed().items(), (name, signed()[name])])).status == 401
    assert refused({**signed(), name.lower(): signed()[name]}).status == 401


def test_secrets_beyond_ascii_work() -> None:
    check_signature(signed(signature=made("schlüssel-☃")), BODY, ["schlüssel-☃"], NOW)


@pytest.mark.parametrize("matching", [0, 1, 2, None])
def test_every_secret_is_tried_whichever_matches(matching: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time it takes tells nothing."""
    secrets, compared, compare = ["a", "b", "c"], list[tuple[bytes, bytes]](), hmac.compare_digest

    def watched(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    signature = made("d" if matching is None else secrets[matching])
    with contextlib.nullcontext() if matching is not None else pytest.raises(Rejected):
        check_signature(signed(signature=signature), BODY, secrets, NOW)
    assert len(compared) == 3
    assert {type(side) for sides in compared for side in sides} == {bytes}


@pytest.mark.parametrize("headers", [{}, signed("sent-by-them"), signed(signature="sent-by-them")])
def test_the_refusal_repeats_neither_what_was_sent_nor_what_was_expected(headers: dict[str, str]) -> None:
    error = refused(headers, ["expected-by-us"])
    assert not any(word in str(error) for word in ("sent-by-them", "expected-by-us", made("expected-by-us")))


def test_it_lets_in_what_the_sandbox_signs() -> None:
    """Events and clicks alike, over the raw body."""
    workspace = Workspace()
    workspace.agent_writes("hello <@U1> & ä")
    workspace.agent_clicks(workspace.root)
    for sent in workspace.kept.sent:
        check_signature(sent.headers, sent.body, ["sandbox-signing-secret"], float(sent.headers[TIMESTAMP]))
        with pytest.raises(Rejected):
            check_signature(sent.headers, sent.body + b" ", ["sandbox-signing-secret"], float(sent.headers[TIMESTAMP]))


NAMES = st.sampled_from([TIMESTAMP, SIGNATURE, TIMESTAMP.lower(), SIGNATURE.upper()]) | st.text()
VALUES = (
    st.text(st.characters(exclude_categories=()))
    | st.sampled_from([str(NOW), GOOD])
    | st.integers().map(str)
    | st.floats().map(str)
)


@given(
    st.dictionaries(NAMES, VALUES), st.binary(), st.lists(st.text(st.characters(exclude_categories=()))), st.floats()
)
def test_it_never_raises_anything_but_rejected(
    headers: dict[str, str], body: bytes, secrets: list[str], now: float
) -> None:
    with pytest.raises(Rejected):
        check_signature(headers, body, secrets, now)
