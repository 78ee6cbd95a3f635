"""Promise S9: a credential never leaves its host, whatever a redirect says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relay.net.hosts import Hosts
from tests.net.tls import entry
from tests.net.wire import Wire, say, status_line

from .inward import outcome

SECRET = {"Authorization": "Bearer sesame"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_token_does_not_follow_a_redirect_to_another_host(wire_at: Callable[..., Wire], status: int) -> None:
    with wire_at(say(b"file"), "cdn.example.com") as other:
        answer = say(b"", status_line(status, Location=f"{other.url}/x"))
        with wire_at(answer) as wire:
            hosts, own = Hosts([entry(wire), entry(other)]), Hosts([entry(wire)])
            assert outcome(wire.url, hosts, ["127.0.0.1"], headers=SECRET, headers_to=own) == ""
        assert b"sesame" in wire.heard[0]
        assert b"sesame" not in other.heard[0]


def test_a_token_goes_to_each_host_that_it_is_for(wire_at: Callable[..., Wire]) -> None:
    with wire_at(say(b"file"), "api.example.com") as other:
        with wire_at(say(b"", status_line(302, Location=f"{other.url}/x"))) as wire:
            hosts = Hosts([entry(wire), entry(other)])
            assert outcome(wire.url, hosts, ["127.0.0.1"], headers=SECRET, headers_to=Hosts([entry(other)])) == ""
        assert b"sesame" not in wire.heard[0]
        assert b"sesame" in other.heard[0]


@pytest.mark.parametrize("listed_too", [False, True])
def test_a_token_is_never_sent_over_http_after_a_redirect(wire_at: Callable[..., Wire], listed_too: bool) -> None:
    """Not to the operator's own inner address either: a stranger's host must not send us there."""
    with Wire(say(b"file")) as plain, wire_at(say(b"", status_line(302, Location=plain.url))) as wire:
        hosts = Hosts([entry(wire)], [plain.url] if listed_too else [])
        everywhere = Hosts([entry(wire)], [plain.url])
        assert outcome(wire.url, hosts, ["127.0.0.1"], headers=SECRET, headers_to=everywhere) == "not_https"
    assert plain.heard == []


def test_a_token_goes_nowhere_unless_somebody_says_where() -> None:
    with Wire(say(b"file")) as wire:
        assert outcome(wire.url, Hosts((), [wire.url]), ["127.0.0.1"], headers=SECRET) == ""
        assert outcome(wire.url, Hosts((), [wire.url]), ["127.0.0.1"], headers=SECRET, headers_to=Hosts()) == ""
        own = Hosts((), [wire.url])
        assert outcome(wire.url, own, ["127.0.0.1"], headers=SECRET, headers_to=own) == ""
    assert [b"sesame" in request for request in wire.heard] == [False, False, True]


def test_a_cookie_is_not_kept() -> None:
    answers = [say(b"", status_line(302, Location="/x", Set_Cookie="a=b")), say(b"file")]
    with Wire(lambda connection, over: answers.pop(0)(connection, over)) as wire:
        assert outcome(wire.url, Hosts((), [wire.url]), ["127.0.0.1"]) == ""
    assert not any(b"cookie" in request.lower() for request in wire.heard)
