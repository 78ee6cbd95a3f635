"""What one workspace or account could do to another: lead its links astray, take its place, make it wait."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relay.doctor import secrets
from relay.doctor.replies import why_off
from relay.errors import SettingsError
from relay.settings import NEEDS, load_settings
from relay.settings.load import Settings
from relay.store.conversations.kept_files import public_url
from relay.wiring import build_setup
from tests.harness import auth, body, timeline
from tests.several.twins import Twins

ENV = {
    "KOMMUNICATE_WEBHOOK_TOKEN": "a-webhook-token-that-is-long",
    "SLACK_BOT_TOKEN": "xoxb-sandbox",
    "RELAY_CONFIG_YAML": (
        "default_channel: C0X\nkommunicate: {accounts: {shop: {webhook_token: SHOP_TOKEN, api_key: SHOP_KEY}}}\n"
    ),
    "SHOP_TOKEN": "a",
    "SHOP_KEY": "shop-key",
}


def settings(tmp_path: Path, **env: str) -> Settings:
    return load_settings({**ENV, **env}, need=NEEDS["serve"], cwd=tmp_path)


def heard_as(twins: Twins, host: str) -> None:
    """What Slack sends next reaches the relay under this name."""
    for item in list(twins.mail):
        item.headers = {**item.headers, "Host": host}
    twins.carry()


def test_a_further_workspace_does_not_say_where_links_lead(make_twins: Callable[..., Twins]) -> None:
    """Its secret opens its own events; everybody's files would be looked for where it says."""
    twins = make_twins(shop={"default_channel": "acme/C0SUPPORT"})
    twins.both_write()
    twins.agent_there("for Ines")
    heard_as(twins, "evil.example.net")
    with twins.store.read() as tx:
        assert public_url(tx) is None
    twins.agent("for Jane")
    heard_as(twins, "relay.example.com")
    with twins.store.read() as tx:
        assert public_url(tx) == "https://relay.example.com"


def test_a_chat_that_is_called_like_another_accounts_is_not_taken_for_it(make_twins: Callable[..., Twins]) -> None:
    twins = make_twins(channels={"shop/123": "acme/C0SUPPORT"}, default_channel="C0SUPPORT")
    twins.client.post("/kommunicate/webhook", json=body("one", "shop/123", "hello"), headers=auth())
    twins.run(5)
    assert timeline(twins.there) == []
    assert {one["channel"] for one in timeline(twins.server)} == {"C0SUPPORT"}


@pytest.mark.parametrize(("token", "status"), [("another", 401), ("shop-token", 404)])
def test_strangers_do_not_learn_which_accounts_there_are(
    make_twins: Callable[..., Twins], token: str, status: int
) -> None:
    response = make_twins().client.post("/kommunicate/nobody/webhook", json=body(), headers=auth(token))
    assert response.status_code == status


def test_an_accounts_token_must_be_long_in_production_too(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        settings(tmp_path, RELAY_ENV="production")
    assert [(one.code, one.where) for one in refused.value.findings] == [("secret_short", "SHOP_TOKEN")]


def test_the_doctor_looks_at_the_secrets_of_all(tmp_path: Path, make_twins: Callable[..., Twins]) -> None:
    found = secrets.look(build_setup(settings(tmp_path), make_twins().store, {}, tmp_path))
    assert [(one.code, one.where) for one in found] == [("secret_short", "SHOP_TOKEN")]


@pytest.mark.parametrize(
    ("env", "why"),
    [
        ({"SLACK_APP_TOKEN": "xapp-1-sandbox"}, ""),
        ({"SLACK_SIGNING_SECRET": "a-signing-secret-of-slack"}, ""),
        ({}, "SLACK_SIGNING_SECRET is not set"),
    ],
)
def test_replies_are_on_by_whichever_door_and_key(tmp_path: Path, env: dict[str, Any], why: str) -> None:
    assert why_off(settings(tmp_path, **env)) == why
