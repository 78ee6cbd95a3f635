"""What people see of it all: the Home tab, metrics, reports, alerts, and what `relay purge` deletes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from relay.delivery.deleting import Deleter
from relay.delivery.erasing import erase
from relay.delivery.tracing import trace
from relay.doctor import channels
from relay.kommunicate.client import SEND
from relay.metrics import render_metrics
from relay.sandbox.slack.interactions import click, open_home
from relay.slack.alert import render_alerts
from relay.store.operations.alerts import Alert
from relay.store.operations.reports import Which, list_deliveries
from relay.vocabulary import Trouble
from relay.wiring import build_setup
from tests.harness import threads, timeline, words
from tests.several.twins import Twins, refused_token

ACMES_OTHER = {"name": "ops", "when": {"group_id": "5"}, "channel": "acme/C0OPS"}
IN_ACME = {"shop": {"default_channel": "acme/C0SUPPORT"}}


@pytest.fixture
def twins(make_twins: Callable[..., Twins]) -> Twins:
    twins = make_twins(**IN_ACME)
    twins.both_write()
    return twins


def test_the_home_tab_shows_the_chats_of_its_workspace(twins: Twins) -> None:
    twins.agent("for Jane")
    twins.agent_there("for Ines")
    twins.carry()
    twins.run(10)
    twins.both_write("m3", "m4")
    for one in (twins.sandbox, twins.there.sandbox):
        open_home(one.slack, user="U0ALEX")
    assert set(twins.carry()) == {200}
    here, there = (json.dumps(one.slack.homes["U0ALEX"]) for one in (twins.sandbox, twins.there.sandbox))
    assert ("Jane" in here, "Ines" in here) == (True, False)
    assert ("Jane" in there, "Ines" in there) == (False, True)
    assert '"channel_id": "C0SUPPORT"' in there


def test_the_home_tab_of_a_further_workspace_shows_no_trouble_of_the_plain_ones(twins: Twins) -> None:
    twins.sandbox.faults.add(SEND, "status", status=401, times=None)
    twins.agent("for Jane")
    twins.agent_there("for Ines")
    twins.carry()
    twins.run(60)
    for one in (twins.sandbox, twins.there.sandbox):
        open_home(one.slack, user="U0ALEX")
    assert set(twins.carry()) == {200}
    here, there = (json.dumps(one.slack.homes["U0ALEX"]) for one in (twins.sandbox, twins.there.sandbox))
    assert ("KOMMUNICATE_API_KEY" in here, "KOMMUNICATE_API_KEY" in there) == (True, False)
    assert "Ines" in there


def test_metrics_and_reports_say_whose_it_is(twins: Twins) -> None:
    refused_token(twins)
    twins.both_write("m3", "m4")
    assert 'relay_unsettled{account="shop",workspace="acme"} 1.0' in render_metrics(twins.store).decode()
    with twins.store.read() as tx:
        (row,) = list_deliveries(tx, Which.WAITING, twins.out.limits)
    assert row["channel"] == "acme/C0SUPPORT"


def test_an_alert_names_a_channel_of_another_workspace_without_a_link() -> None:
    told = Alert(Trouble.CHANNEL, "acme/C0SUPPORT", "archived")
    here = json.dumps(render_alerts([told], here="acme").payload())
    elsewhere = json.dumps(render_alerts([told]).payload())
    assert "<#C0SUPPORT>" in here
    assert "<#" not in elsewhere
    assert "acme/C0SUPPORT" in elsewhere


def test_a_purge_deletes_in_each_workspace_with_its_own_token(twins: Twins) -> None:
    erase(twins.store, "customer-123456", trace(twins.store, "customer-123456"), in_slack=True)
    slack = {name: one.slack for name, one in twins.out.workspaces.items()}
    deleter = Deleter(twins.store, slack, twins.clock.advance, lambda: None)
    deleter.delete_all()
    assert [words(one) for server in (twins.server, twins.there) for one in timeline(server)] == []
    assert deleter.deleted.stays == []
    twins.assert_nothing_leaked()


def test_a_purge_leaves_on_its_list_what_stands_in_a_workspace_that_is_not_named(twins: Twins) -> None:
    erase(twins.store, "customer-123456", trace(twins.store, "customer-123456"), in_slack=True)
    deleter = Deleter(twins.store, {"": twins.out.slack}, twins.clock.advance, lambda: None)
    deleter.delete_all()
    assert timeline(twins.server) == []
    assert timeline(twins.there) != []
    assert {channel for channel, _, _ in deleter.deleted.stays} == {"acme/C0SUPPORT"}


def test_the_doctor_asks_each_workspace_for_its_own_channels(make_twins: Callable[..., Twins], tmp_path: Path) -> None:
    """Also for one that only an account names; no token meets the other workspace."""
    twins = make_twins(shop={"default_channel": "acme/C0SUPPORT"}, alerts={"channel": "acme/C0NOWHERE"})
    setup = build_setup(twins.relay.settings, twins.store, {}, tmp_path)
    assert [(one.code, one.where) for one in channels.look(setup)] == [("channel_not_found", "alerts.channel")]
    twins.assert_nothing_leaked()


def test_a_workspace_that_is_away_hides_no_channel_of_anothers(
    make_twins: Callable[..., Twins], tmp_path: Path
) -> None:
    twins = make_twins(routes=[ACMES_OTHER], alerts={"channel": "acme/C0SUPPORT"}, default_channel="C0GENERAL")
    twins.sandbox.slack.archive("C0GENERAL")
    setup = build_setup(twins.relay.settings, twins.store, {}, tmp_path)
    twins.there.stop()
    left_out, archived = channels.look(setup)
    assert (left_out.code, archived.code) == ("channels_left_out", "channel_archived")
    assert "of the workspace acme" in left_out.message


def test_an_agent_moves_a_chat_within_its_workspace(make_twins: Callable[..., Twins]) -> None:
    """To where an account's own chats go, say; what Slack calls a channel is of the workspace where it was chosen."""
    twins = make_twins(shop={"default_channel": "acme/C0SUPPORT"}, routes=[ACMES_OTHER])
    twins.both_write()
    slack = twins.there.sandbox.slack
    (thread,) = threads(twins.there, "C0SUPPORT")
    click(slack, "C0SUPPORT", thread, "menu", value="move")
    twins.carry()
    twins.run(5)
    question = slack.ephemerals[-1]
    click(slack, "C0SUPPORT", question["ts"], "move_to", value="C0OPS")
    twins.carry()
    twins.run(30)
    assert {one["channel"] for one in timeline(twins.there) if one["thread_ts"] is None} == {"C0SUPPORT", "C0OPS"}
    assert {one["channel"] for one in timeline(twins.server)} == {"C0SUPPORT"}
    twins.assert_nothing_leaked()
