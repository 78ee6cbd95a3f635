"""Socket Mode on both databases: what comes on the relay's own connection goes the same way as what comes over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from relay.inbound.socket_mode import socket_mode, take
from relay.sandbox import SandboxServer
from relay.sandbox.core import APP_LOGIN
from relay.sandbox.slack.interactions import click, submit, type_command, use_shortcut
from relay.sandbox.slack.sockets import Sockets
from relay.slack.socket_mode import OFTEN, SocketMode
from relay.store.db.engine import Store
from relay.wiring import Relay
from tests.harness import FakeClock, wait_for
from tests.replies.desk import Desk
from tests.store.shelf import rows


class Cabled(Desk):
    """A desk that Slack cannot reach."""

    def assemble(self, config: dict[str, Any]) -> Relay:
        relay = super().assemble({"saved_replies": {"Refund": "Your money is on its way."}, **config})
        sender = self.sandbox.slack.sender
        del sender.outbox.put  # what Slack sends is not carried by hand
        sender.events_url = sender.interactions_url = None
        relay.settings = replace(relay.settings, slack_signing_secrets=(), slack_app_token=APP_LOGIN)
        return relay

    @property
    def sockets(self) -> Sockets:
        return self.sandbox.slack.sender.sockets

    def is_connected(self, times: int = 1) -> bool:
        """True once the relay has connected so often, and no old connection is left."""
        return wait_for(lambda: self.sockets.opened == times and len(self.sockets.open) == 1)

    def hears(self) -> list[list[int]]:
        """Wait until the relay has been told everything, and has done it; what each thing needed: 200 at its end."""
        assert self.sandbox.slack.sender.outbox.wait_idle(30)
        self.run(30)
        return [item.statuses for item in self.sandbox.slack.sender.outbox.sent]


@pytest.fixture
def apart(store: Store, server: SandboxServer, clock: FakeClock) -> Cabled:
    """A desk where a customer has written, not connected yet."""
    desk = Cabled(store, server, clock)
    desk.customer("m1 my mug is broken")
    desk.sockets.enabled, desk.sockets.acknowledge_within = True, 20.0
    return desk


@pytest.fixture
def desk(apart: Cabled) -> Iterator[Cabled]:
    """The same, connected."""
    with socket_mode(apart.relay):
        assert apart.is_connected()
        yield apart


def test_what_agents_write_change_and_take_back_reaches_the_customer(desk: Cabled) -> None:
    desk.agent("on its way")
    assert set(map(tuple, desk.hears())) == {(200,)}
    assert desk.reached() == ["on its way"]
    message = desk.agent("never sent")
    desk.sandbox.slack.human_deletes("C0SUPPORT", message.ts)
    desk.hears()
    assert desk.reached() == ["on its way"]


def test_clicks_shortcuts_forms_and_commands_work(desk: Cabled) -> None:
    slack = desk.sandbox.slack
    click(slack, "C0SUPPORT", desk.thread, "take_over")
    desk.hears()
    assert "U0ALEX" in str(desk.roots()[-1]["blocks"])
    use_shortcut(slack, "C0SUPPORT", desk.thread, "saved_replies")
    type_command(slack, "C0SUPPORT")
    assert desk.hears()[-2:] == [[200], [200]]
    assert "Saved replies" in str(slack.views)
    assert slack.ephemerals[-1]["text"] == "Open chats"


def test_a_form_stays_open_with_the_reason_that_goes_with_the_acknowledgement(desk: Cabled) -> None:
    slack = desk.sandbox.slack
    use_shortcut(slack, "C0SUPPORT", desk.thread, "saved_replies")
    desk.hears()
    submit(slack, slack.views[-1]["id"], {"words": ""})
    desk.hears()
    assert desk.sockets.answers[-1]["payload"]["response_action"] == "errors"
    assert [answer for answer in desk.sockets.answers[:-1] if answer.get("payload")] == []


def test_an_event_whose_acknowledgement_was_lost_comes_again_and_is_not_doubled(desk: Cabled) -> None:
    desk.sockets.acknowledge_within, desk.sockets.losing = 2.0, 1
    desk.agent("only once")
    assert any(tries[0] == 0 and tries[-1] == 200 for tries in desk.hears())
    assert desk.reached() == ["only once"]
    assert len([row for row in rows(desk.store, "received") if row.source == "slack"]) == 1


def test_what_makes_no_sense_is_not_acknowledged_and_harms_nothing(desk: Cabled) -> None:
    outbox, junk = desk.sandbox.slack.sender.outbox, ({}, {"type": 5}, {"type": "x" * 999})
    desk.sockets.acknowledge_within, outbox.retry = 0.2, (0.0, 0.0)
    broken = [outbox.put(desk.sockets.letter("events_api", one, "", f"junk {len(str(one))}")) for one in junk]
    assert outbox.wait_idle()
    desk.sockets.acknowledge_within = 20.0
    strange = outbox.put(desk.sockets.letter("something_new", {}, "", "junk"))
    desk.agent("still here")
    desk.hears()
    assert {tuple(item.statuses) for item in broken} == {(0, 0, 0)}
    assert strange.statuses == [200]
    assert desk.reached() == ["still here"]


@pytest.mark.parametrize("message", [{}, {"envelope_id": 5}, {"envelope_id": ""}, {"type": "hello"}])
def test_what_is_no_envelope_is_nothing(apart: Cabled, message: dict[str, Any]) -> None:
    acknowledged: list[str] = []
    take(apart.relay, message, lambda envelope_id, _answer: acknowledged.append(envelope_id))
    assert acknowledged == []


def test_nothing_is_acknowledged_that_could_not_be_stored(apart: Cabled) -> None:
    event = {"type": "message", "channel": "C0SUPPORT", "user": "U0ALEX", "text": "hi", "ts": "1712345999.000100"}
    event |= {"thread_ts": apart.thread, "event_ts": event["ts"], "channel_type": "channel"}
    payload = {
        "type": "event_callback",
        "team_id": "T0SANDBOX",
        "api_app_id": "A0RELAY",
        "event_id": "Ev1",
        "event": event,
    }
    message = {"envelope_id": "e1", "type": "events_api", "payload": payload, "accepts_response_payload": False}
    acknowledged: list[str] = []

    def acknowledge(envelope_id: str, _answer: object) -> None:
        acknowledged.append(envelope_id)

    nowhere = "sqlite:////nonexistent/relay.db"
    with capture_logs() as logs:
        take(replace_store(apart.relay, nowhere), message, acknowledge)
    assert (acknowledged, [line["event"] for line in logs]) == ([], ["store.unavailable"])
    take(apart.relay, message, acknowledge)
    assert acknowledged == ["e1"]


def replace_store(relay: Relay, url: str) -> Relay:
    """The same relay on a database that is not there."""
    from relay.store.db.engine import open_store

    return Relay(relay.settings, open_store(url), relay.clock)


def test_it_changes_to_another_connection_when_slack_asks_and_misses_nothing(desk: Cabled) -> None:
    for number in (1, 2, 3):
        desk.sockets.disconnect()
        desk.agent(f"m{number}")
        assert desk.is_connected(number + 1)
    desk.hears()
    assert sorted(desk.reached()) == ["m1", "m2", "m3"]


def test_a_line_that_breaks_is_made_anew(desk: Cabled) -> None:
    desk.sockets.acknowledge_within = 0.5
    with capture_logs() as logs:
        desk.sockets.open[0].drop()
        assert desk.is_connected(2)
    assert "socket.lost" in [line["event"] for line in logs]
    desk.agent("after that")
    desk.hears()
    assert desk.reached() == ["after that"]


def test_a_connection_on_which_nobody_answers_is_given_up(apart: Cabled) -> None:
    """As behind a router that has forgotten it: no end comes, and nothing else either."""
    relay, taken = apart.relay, []
    settings = relay.settings
    with SocketMode(APP_LOGIN, settings.slack_api_url, lambda message, _: taken.append(message), ping=0.2):
        assert apart.is_connected()
        apart.sockets.open[0].silent = True
        assert wait_for(lambda: apart.sockets.opened == 2)


def test_a_token_that_is_refused_is_told_and_tried_again(apart: Cabled) -> None:
    apart.sandbox.faults.add("apps.connections.open", "missing_scope", code="connections:write")
    with capture_logs() as logs, socket_mode(apart.relay):
        assert apart.is_connected()
    (refused,) = [line for line in logs if line["event"] == "socket.refused"]
    assert refused["code"] == "missing_scope"
    assert "connections:write" in refused["hint"]
    assert APP_LOGIN not in str(logs)


@pytest.mark.parametrize(
    ("token", "code"), [("xapp-other", "invalid_auth"), ("xoxb-sandbox", "not_allowed_token_type")]
)
def test_the_wrong_token_is_named(server: SandboxServer, token: str, code: str) -> None:
    with capture_logs() as logs, SocketMode(token, server.slack_api_url, lambda *_: None):
        assert wait_for(lambda: bool(logs))
    assert (logs[0]["code"], "SLACK_APP_TOKEN" in logs[0]["hint"]) == (code, True)


def test_socket_mode_that_was_switched_off_is_told_and_not_asked_for_without_end(apart: Cabled) -> None:
    """Slack lets the relay connect, and says so as the first thing."""
    apart.sockets.enabled = False
    with capture_logs() as logs, socket_mode(apart.relay):
        assert wait_for(lambda: apart.sockets.opened == OFTEN)
        assert not wait_for(lambda: apart.sockets.opened > OFTEN, 1)
    assert "turn it on" in str([line.get("hint") for line in logs])


def test_of_two_relays_each_thing_is_told_to_one(desk: Cabled) -> None:
    with socket_mode(desk.relay):
        assert wait_for(lambda: len(desk.sockets.open) == 2)
        for number in range(10):
            desk.agent(f"m{number}")
        desk.hears()
        told = [one for one in desk.sockets.sent if one["payload"]["event"].get("client_msg_id")]
    assert len(told) == 10
    assert sorted(desk.reached()) == sorted(f"m{number}" for number in range(10))


def test_a_file_reaches_no_customer_without_an_address_and_its_author_reads_why(desk: Cabled) -> None:
    desk.agent("the bill", files=("bill.pdf",))
    desk.hears()
    desk.run(120)
    assert "RELAY_PUBLIC_URL is not set" in "\n".join(desk.shown())


def test_who_is_not_told_of_slack_by_either_way_is_read_only(apart: Cabled) -> None:
    assert apart.out.replying is not None
    apart.relay.settings = replace(apart.relay.settings, slack_app_token=None)
    with socket_mode(apart.relay):
        assert not apart.relay.settings.hears_slack
        assert apart.sockets.opened == 0
