"""Ids and addresses are values, whatever they hold: they add nothing to a query and nothing to the headers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import Permanent
from relay.kommunicate import payloads as replies
from relay.kommunicate.client import KommunicateClient
from tests.harness import PATIENCE
from tests.net.wire import ALEX, GROUP, KEY, PATHS, SAM, Wire, say

DONE = b'{"status": "success", "response": "updated"}'


def hand_over(kommunicate: KommunicateClient, value: str = GROUP, acting: str = ALEX) -> None:
    kommunicate.assign(value, value, acting=acting, take_over_from_bot=True, notify=False, deadline=PATIENCE)


def reopen(kommunicate: KommunicateClient, value: str = GROUP, acting: str = ALEX) -> None:
    kommunicate.set_status(value, "open", acting=acting, notify=False, deadline=PATIENCE)


# Ids that try to be more than a value.
SMUGGLED = [
    "1&status=3",
    "1#x",
    "1\r\nX-Evil: 1",
    "1\n",
    "1?a=b;c=d",
    "a+b@example.com",
    "\u2603%26status=3",
    "",
    " 1 ",
]


@pytest.mark.parametrize("value", SMUGGLED, ids=ascii)
@pytest.mark.parametrize(("act", "name"), [(hand_over, "assign"), (reopen, "status")])
def test_no_id_can_add_to_a_query(act: Callable[..., None], name: str, value: str) -> None:
    """A raw look at the request line, as the other side gets it."""
    with Wire(say(DONE)) as wire:
        kommunicate = KommunicateClient(KEY, wire.url)
        act(kommunicate, value)
        line, *headers = wire.heard[0].decode("ascii").split("\r\n")
    method, target, _ = line.split(" ")
    query = parse_qsl(urlsplit(target).query, keep_blank_values=True, strict_parsing=True)
    expected = {"groupId": value, "sendNotifyMessage": "false"}
    expected |= {"assignee": value, "takeOverFromBot": "true"} if name == "assign" else {"status": "0"}
    assert (method, urlsplit(target).path, urlsplit(target).fragment) == ("PATCH", PATHS[name][1], "")
    assert sorted(query) == sorted(expected.items())
    assert not any(header.startswith("X-Evil") for header in headers)


def test_a_change_has_its_headers_and_no_body() -> None:
    with Wire(say(DONE)) as wire:
        kommunicate = KommunicateClient(KEY, wire.url)
        reopen(kommunicate)
        head, _, body = wire.heard[0].partition(b"\r\n\r\n")
    headers = head.decode("ascii").split("\r\n")
    assert {f"Of-User-Id: {ALEX}", "Api-Key: key-1", "Content-Length: 0"} <= set(headers)
    assert body == b""


BAD_ACTORS = [
    "",
    " ",
    "a\r\nX-Evil: 1",
    "a\nb",
    "a\r",
    " a",
    "a ",
    "a\x00b",
    "a\tb",
    "\u2603",
    "jos\u00e9",
    "a\x85b",
    "\ud800",
]


@pytest.mark.parametrize("acting", BAD_ACTORS, ids=ascii)
@pytest.mark.parametrize("act", [hand_over, reopen])
def test_nobody_acts_whom_a_header_cannot_name(act: Callable[..., None], acting: str) -> None:
    """Permanent, not an operator's matter: one odd id must not stop everybody's replies."""
    with Wire(say(DONE)) as wire:
        kommunicate = KommunicateClient(KEY, wire.url)
        with pytest.raises(Permanent) as caught:
            act(kommunicate, acting=acting)
        assert wire.heard == []
    assert caught.value.code == "bad_id"


@given(st.text())
def test_a_name_in_a_header_is_one_plain_line_or_refused(user_id: str) -> None:
    with contextlib.suppress(Permanent):
        assert replies.on_behalf(user_id) == {"Of-User-Id": user_id}
        assert user_id == user_id.strip()
        assert user_id.isascii()
        assert user_id.isprintable()
        assert user_id


@pytest.mark.parametrize("make", [
    lambda odd: replies.hand_over(odd, SAM, take_over_from_bot=True, notify=True),
    lambda odd: replies.hand_over(GROUP, odd, take_over_from_bot=True, notify=True),
    lambda odd: replies.change_status(odd, "open", notify=True),
])  # fmt: skip
def test_half_a_character_in_an_id_is_permanent(make: Callable[[str], object]) -> None:
    with pytest.raises(Permanent) as caught:
        make("a\ud800")
    assert (caught.value.code, caught.value.__context__) == ("bad_id", None)


def test_spam_is_no_status() -> None:
    assert [replies.change_status(GROUP, each, notify=True)["status"] for each in ("open", "resolved")] == ["0", "2"]
    with pytest.raises(KeyError):
        replies.change_status(GROUP, "spam", notify=True)  # type: ignore[arg-type]
