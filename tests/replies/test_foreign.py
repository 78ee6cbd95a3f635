"""S17: what Slack sends of another workspace, or for another app, than the token's is answered 200, and ignored."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest

from relay import wiring
from relay.sandbox.outbox import Outgoing
from relay.sandbox.slack.values import APP_ID, BOT_ID, BOT_USER_ID, TEAM_ID
from relay.slack.identity import Identity
from relay.slack.parse import FOREIGN
from tests.harness import environment, wait_for
from tests.processes import RelayProcess
from tests.replies.desk import Desk
from tests.replies.test_endpoints import signed
from tests.store.shelf import everything_stored, rows

ME = Identity(TEAM_ID, BOT_USER_ID, BOT_ID, APP_ID)
WHOLE = replace(ME, url="https://sandbox.slack.com/")
OTHERS = [{"team_id": "T0OTHER", "is_bot": True, "user_id": BOT_USER_ID}]
FOR_OTHERS: dict[str, dict[str, Any]] = {
    "another workspace": {"team_id": "T0OTHER", "authorizations": OTHERS},
    "another workspace, and no more said": {"team_id": "T0OTHER", "authorizations": None},
    "another app": {"api_app_id": "A0OTHER"},
}
FOR_US: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "in a channel shared with others": {"team_id": "T0OTHER", "context_team_id": TEAM_ID, "authorizations": None},
    "written elsewhere, for our app": {"team_id": "T0OTHER"},
    "an app that is not named": {"api_app_id": None},
}


@pytest.fixture(autouse=True)
def _known(desk: Desk) -> None:
    desk.relay.identity = ME


def written(desk: Desk, changes: dict[str, Any]) -> Outgoing:
    """What an agent writes, as Slack would send it with these changes."""
    desk.agent("r1 s3cr3t plans")
    sent = desk.mail.pop()
    envelope = {**json.loads(sent.body), **changes}
    body = json.dumps({name: value for name, value in envelope.items() if value is not None}).encode()
    return replace(sent, body=body, headers={**sent.headers, **signed(desk, body)})


@pytest.mark.parametrize("changes", FOR_OTHERS.values(), ids=FOR_OTHERS)
def test_words_for_others_are_kept_as_ignored(desk: Desk, changes: dict[str, Any]) -> None:
    event = written(desk, changes)
    assert desk.carry(event, event) == [200, 200]
    desk.run(10)
    assert desk.reached() == []
    (kept,) = rows(desk.store, "received", outcome="ignored")
    assert (kept.reason, kept.body) == (FOREIGN, None)
    assert "s3cr3t" not in everything_stored(desk.store)


@pytest.mark.parametrize("changes", FOR_US.values(), ids=FOR_US)
def test_words_for_us_are_not(desk: Desk, changes: dict[str, Any]) -> None:
    assert desk.carry(written(desk, changes)) == [200]
    assert [row.outcome for row in rows(desk.store, "received", source="slack")] == ["accepted"]
    desk.run(10)
    assert desk.reached() == ["r1 s3cr3t plans"]


def test_what_is_installed_for_an_organisation_hears_all_its_workspaces(desk: Desk) -> None:
    changes = {"team_id": "T0SISTER", "authorizations": [{"is_enterprise_install": True, "team_id": None}]}
    assert desk.carry(written(desk, changes)) == [200]
    assert [row.outcome for row in rows(desk.store, "received", source="slack")] == ["accepted"]


def test_before_slack_has_said_whose_the_token_is_nothing_is_held_up(desk: Desk) -> None:
    desk.relay.identity = None
    assert desk.carry(written(desk, FOR_OTHERS["another app"])) == [200]
    desk.run(10)
    assert desk.reached() == ["r1 s3cr3t plans"]


@pytest.mark.parametrize(
    ("changes", "works"),
    [({}, True), ({"api_app_id": "A0OTHER"}, False), ({"team": {"id": "T0OTHER"}}, False)],
    ids=["ours", "another app", "another workspace"],
)
def test_clicks(desk: Desk, changes: dict[str, Any], works: bool) -> None:
    desk.use("resolve")
    sent = desk.mail.pop()
    payload = {**json.loads(parse_qs(sent.body.decode())["payload"][0]), **changes}
    body = urlencode({"payload": json.dumps(payload)}).encode()
    assert desk.carry(replace(sent, body=body, headers={**sent.headers, **signed(desk, body)})) == [200]
    desk.run(10)
    assert (desk.sandbox.kommunicate.conversation("123456").status == 2) is works


@pytest.mark.parametrize("kind", ["ratelimited", "html", "reset_after"])
def test_it_is_asked_again_until_slack_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr("relay.wiring.identity.ASK_AGAIN", 0.05)
    desk.fault("error", method="auth.test", times=2, code="internal_error")
    desk.fault(kind, method="bots.info", times=2)
    desk.relay.identity = None
    wiring.learn_identity(desk.relay)
    assert wait_for(lambda: desk.relay.identity == WHOLE)


def test_where_the_apps_id_is_refused_its_workspace_does(desk: Desk) -> None:
    """users:read is not asked for where chats are only shown."""
    desk.sandbox.slack.scopes.discard("users:read")
    desk.relay.identity = None
    wiring.learn_identity(desk.relay)
    assert wait_for(lambda: "bots.info" in [call["method"] for call in desk.sandbox.calls])
    assert desk.relay.identity == replace(WHOLE, app_id=None)
    assert desk.carry(written(desk, FOR_OTHERS["another workspace"])) == [200]
    assert [row.outcome for row in rows(desk.store, "received", source="slack")] == ["ignored"]


def test_a_process_asks_at_its_start(desk: Desk, postgres_database_url: str, tmp_path: Any) -> None:
    env = environment(desk.server, postgres_database_url)
    relay = RelayProcess("serve", "--no-worker", cwd=tmp_path, env=env)
    try:
        assert wait_for(lambda: "auth.test" in [call["method"] for call in desk.sandbox.calls])
    finally:
        relay.kill()


def test_what_a_partner_presses_is_a_strangers_when_it_is_carried_out(desk: Desk) -> None:
    """A shared channel: the press names the partner's workspace, which is known at the door and kept."""
    desk.use("resolve")
    sent = desk.mail.pop()
    payload = json.loads(parse_qs(sent.body.decode())["payload"][0])
    payload |= {"team": {"id": "T0PARTNER"}, "user": {**payload["user"], "team_id": "T0PARTNER"}}
    body = urlencode({"payload": json.dumps(payload)}).encode()
    assert desk.carry(replace(sent, body=body, headers={**sent.headers, **signed(desk, body)})) == [200]
    desk.run(10)
    assert desk.sandbox.kommunicate.conversation("123456").status != 2
