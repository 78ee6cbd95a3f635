"""Socket Mode in several workspaces: each app has a connection of its own, and of a shared one the team decides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from relay.doctor import replies
from relay.inbound.socket_mode import socket_mode, take
from relay.sandbox import SandboxServer
from relay.sandbox.core import APP_LOGIN
from relay.sandbox.slack.interactions import click
from relay.store.db.engine import Store
from relay.wiring import Relay, build_setup
from tests.harness import FakeClock, threads, wait_for
from tests.several.twins import Twins

IN_ACME = {"shop": {"default_channel": "acme/C0SUPPORT"}}


class Cabled(Twins):
    """Both workspaces by Socket Mode: Slack can reach the relay from neither."""

    def assemble(self, config: dict[str, Any]) -> Relay:
        relay = super().assemble(config)
        for server in (self.server, self.there):
            sender = server.sandbox.slack.sender
            vars(sender.outbox).pop("put", None)  # what Slack sends is not carried by hand
            sender.events_url = sender.interactions_url = None
            sender.sockets.enabled, sender.sockets.acknowledge_within = True, 20.0
        acme = replace(relay.settings.workspaces["acme"], signing_secrets=(), app_token=APP_LOGIN)
        relay.settings = replace(
            relay.settings, slack_signing_secrets=(), slack_app_token=APP_LOGIN, workspaces={"acme": acme}
        )
        return relay

    def hear(self) -> None:
        """Wait until the relay has been told everything, and has done it."""
        for server in (self.server, self.there):
            assert server.sandbox.slack.sender.outbox.wait_idle(30)
        self.run(30)


def once_more(twins: Cabled) -> dict[str, Any]:
    """An agent of the second workspace has said something, and says something else: the envelope of that."""
    twins.agent_there("for Ines")
    twins.hear()
    (sent,) = [one for one in twins.there.sandbox.slack.sender.sockets.sent if "for Ines" in str(one)]
    event = {**sent["payload"]["event"], "ts": "1799999999.000100", "client_msg_id": "other", "text": "once more"}
    words = {key: event[key] for key in event if key != "blocks"}
    return {**sent, "payload": {**sent["payload"], "event_id": "Ev2", "event": words}, "envelope_id": "e2"}


@pytest.fixture
def twins(store: Store, server: SandboxServer, clock: FakeClock, there: SandboxServer) -> Iterator[Cabled]:
    """A customer of each account has written, and the relay is connected to both."""
    twins = Cabled(store, server, clock, there, **IN_ACME)
    twins.both_write()
    with socket_mode(twins.relay):
        for each in (server, there):
            assert wait_for(lambda each=each: len(each.sandbox.slack.sender.sockets.open) == 1)
        yield twins


def test_each_workspace_is_heard_on_its_apps_own_connection(twins: Cabled) -> None:
    twins.agent_there("for Ines")
    twins.agent("for Jane")
    (thread,) = threads(twins.there, "C0SUPPORT")
    click(twins.there.sandbox.slack, "C0SUPPORT", thread, "take_over", user="U0SAM")
    twins.hear()
    assert (twins.reached(), twins.reached_there()) == (["for Jane"], ["for Ines"])
    assert "took over this chat" in str(twins.shown_there())
    assert "took over this chat" not in str(twins.shown())


def test_of_an_app_that_is_shared_the_team_says_which_workspace_it_is(twins: Cabled) -> None:
    """Until Slack has said whose the tokens are, nothing is acknowledged."""
    again = once_more(twins)
    done: list[str] = []

    def acknowledge(envelope_id: str, _answer: object) -> None:
        done.append(envelope_id)

    with capture_logs() as logs:
        take(twins.relay, again, acknowledge, workspaces=("", "acme"))
    assert (done, [line["status"] for line in logs if line["event"] == "request.rejected"]) == ([], [503])
    twins.learn_identities()
    take(twins.relay, again, acknowledge, workspaces=("", "acme"))
    twins.run(30)
    assert (done, twins.reached(), twins.reached_there()) == (["e2"], [], ["for Ines", "once more"])


def test_what_comes_with_another_token_of_the_same_app_is_for_its_team(twins: Cabled) -> None:
    """Slack chooses any of an app's connections."""
    again, done = once_more(twins), list[str]()
    twins.learn_identities()
    take(twins.relay, again, lambda one, _: done.append(one), workspaces=("",), others=("acme",))
    twins.run(30)
    assert (done, twins.reached(), twins.reached_there()) == (["e2"], [], ["for Ines", "once more"])


@pytest.mark.parametrize(("alone", "status"), [("acme", None), ("", 503)])
def test_one_alone_behind_its_token_is_heard_though_nobody_says_whose_its_bots_is(
    twins: Cabled, alone: str, status: int | None
) -> None:
    """That token may have been revoked. What may be for another one is sent again until that one is known."""
    again, done = once_more(twins), list[str]()
    twins.learn_identities()
    del twins.relay.other_identities["acme"]
    with capture_logs() as logs:
        others = ("",) if alone else ("acme",)
        take(twins.relay, again, lambda one, _: done.append(one), workspaces=(alone,), others=others)
    refused = [line["status"] for line in logs if line["event"] == "request.rejected"]
    twins.run(30)
    assert (done, refused) == (([], [status]) if status else (["e2"], []))
    assert twins.reached_there() == (["for Ines"] if status else ["for Ines", "once more"])


def test_the_doctor_names_a_workspace_that_nobody_can_reply_from(twins: Cabled, tmp_path: Path) -> None:
    settings = twins.relay.settings
    acme = replace(settings.workspaces["acme"], app_token=None)
    setup = build_setup(replace(settings, workspaces={"acme": acme}), twins.store, {}, tmp_path)
    (found,) = (one for one in replies.look(setup) if one.code == "replies_off")
    assert (found.code, found.where) == ("replies_off", "slack.workspaces.acme")
    assert "give it the same token" in found.hint
