"""S1 and S2 at Slack's two endpoints over HTTP: 401 for what Slack did not sign within five minutes, never a 5xx."""

from __future__ import annotations

import hmac
import random
from collections.abc import Iterator
from urllib.parse import quote_plus, unquote_plus, urlsplit

import pytest

from relay.sandbox.outbox import Outgoing
from relay.slack.body import MAX_BODY
from tests.replies.desk import SECRET, Desk

TIMESTAMP, SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"
FORM = b"payload="
MUTATIONS = 400
PIECES = [b"null", b"-1", b"1e999", b"NaN", b'""', b'"nan"', b"[]", b"{}", b"\\u0000", b"\\ud800", b"\x00", b"\xff",
          b'"', b"\\", b"true", b"9" * 400, b"[" * 400, "\u202e".encode(), b"1e400", b"inf"]  # fmt: skip
JUNK = [b"", b"null", b"[]", b"{}", b"\xff\xfe", b"payload", b"payload=", b"payload=%7B%7D", b"payload=1&payload=2",
        b'{"type":"event_callback"}', b'{"type":"event_callback","event":{}}', b'{"type":5}', b'{"type":"new_kind"}',
        b"[" * 100_000, b'{"a":' * 40_000]  # fmt: skip


@pytest.fixture(params=["event", "click"])
def sent(request: pytest.FixtureRequest, desk: Desk) -> Outgoing:
    """Something of Slack's that was not carried to the relay yet."""
    desk.customer("hello")
    if request.param == "event":
        desk.agent("hi there")
    else:
        desk.use("resolve")
    return desk.mail.pop()


def knock(desk: Desk, sent: Outgoing, headers: dict[str, str], body: bytes | None = None) -> int:
    """The status of this request."""
    kept = {name: value for name, value in sent.headers.items() if name not in (TIMESTAMP, SIGNATURE)}
    content = sent.body if body is None else body
    return desk.client.post(urlsplit(sent.url).path, data=content, headers={**kept, **headers}).status_code


def signed(desk: Desk, body: bytes, *, by: str = SECRET, age: float = 0.0, signature: str = "") -> dict[str, str]:
    """What Slack would sign it with, `age` seconds ago."""
    timestamp = str(int(desk.clock.now() - age))
    made = hmac.new(by.encode(), b"v0:%s:%s" % (timestamp.encode(), body), "sha256").hexdigest()
    return {TIMESTAMP: timestamp, SIGNATURE: signature or f"v0={made}"}


def test_what_slack_did_not_sign_lately_is_401_and_has_no_effect(desk: Desk, sent: Outgoing) -> None:
    good = signed(desk, sent.body)
    refused = {
        "unsigned": {},
        "no time": {SIGNATURE: good[SIGNATURE]},
        "no signature": {TIMESTAMP: good[TIMESTAMP]},
        "junk": signed(desk, sent.body, signature="v0=junk"),
        "short": signed(desk, sent.body, signature=good[SIGNATURE][:-1]),
        "long": signed(desk, sent.body, signature=good[SIGNATURE] + "0"),
        "wrong case": signed(desk, sent.body, signature=good[SIGNATURE].upper()),
        "not ASCII": signed(desk, sent.body, signature="v0=\xe9\xff"),
        "time not ASCII": {**good, TIMESTAMP: "\u0661"},
        "given twice": {**good, SIGNATURE: f"{good[SIGNATURE]},{good[SIGNATURE]}"},
        "of another secret": signed(desk, sent.body, by="other-secret"),
        "of another body": signed(desk, sent.body + b" "),
        "too old": signed(desk, sent.body, age=302),
        "too young": signed(desk, sent.body, age=-302),
    }
    statuses = {name: knock(desk, sent, headers) for name, headers in refused.items()}
    assert statuses == dict.fromkeys(refused, 401)
    desk.run(30)
    assert desk.reached() == []
    assert "resolved" not in str(desk.roots()[-1]["blocks"])
    assert knock(desk, sent, signed(desk, sent.body, age=299)) == 200


@pytest.mark.parametrize("letter", ["\u6f22", "\U0001f600", "<"])
def test_the_longest_reply_is_heard_and_so_is_its_edit(desk: Desk, letter: str) -> None:
    """Each letter beyond ASCII comes as six bytes or twelve, each message twice, and with an edit the one before it."""
    desk.customer("hello")
    longest = letter * (20_000 if letter > "\uffff" else 40_000)
    message = desk.agent(longest)
    assert set(desk.carry()) == {200}
    desk.sandbox.slack.human_edits("C0SUPPORT", message.ts, f"{longest}!")
    assert max(len(sent.body) for sent in desk.mail) > 262_144
    assert set(desk.carry()) == {200}
    desk.run(30)
    assert desk.reached() == [f"{longest}!"]


def test_more_than_slack_ever_sends_is_refused_by_its_size(desk: Desk, sent: Outgoing) -> None:
    for size, status in ((MAX_BODY, 400), (MAX_BODY + 1, 413)):
        body = b" " * size
        assert knock(desk, sent, signed(desk, body), body) == status


def test_a_secret_is_exchanged_without_a_refused_request(desk: Desk, sent: Outgoing) -> None:
    """S14: old and new are both taken while both are set, and the old one is refused once it is gone."""
    for secrets, taken in ((("new", SECRET), True), (("new",), False)):
        desk.rotate(secrets)
        assert knock(desk, sent, signed(desk, sent.body, by="new")) == 200
        assert knock(desk, sent, signed(desk, sent.body)) == (200 if taken else 401)


def test_signed_junk_is_refused_or_ignored_and_never_a_5xx(desk: Desk, sent: Outgoing) -> None:
    bodies = [*JUNK, *mutated(sent.body, seed=7)]
    found = {knock(desk, sent, signed(desk, body), body) for body in bodies}
    assert found == {200, 400}
    desk.says("still here")
    desk.run(60)
    assert "still here" in desk.reached()


def mutated(good: bytes, seed: int, count: int = MUTATIONS) -> Iterator[bytes]:
    """This body with a few of its bytes, pieces or values changed; the same for the same seed."""
    chance, is_form = random.Random(seed), good.startswith(FORM)
    plain = unquote_plus(good[len(FORM) :].decode()).encode() if is_form else good
    for _ in range(count):
        content = bytearray(plain)
        for _ in range(chance.randint(1, 3)):
            at, size = chance.randrange(len(content) + 1), chance.choice((0, 1, 1, 4, 20))
            content[at : at + size] = chance.choice((chance.choice(PIECES), chance.randbytes(1), b""))
        yield FORM + quote_plus(bytes(content)).encode() if is_form else bytes(content)
