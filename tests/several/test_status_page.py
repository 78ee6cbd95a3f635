"""The status page of a relay with several workspaces and accounts: each link leads to its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from relay.messages import Agent
from relay.sandbox import SandboxServer
from relay.store.conversations.people import remember_agents
from relay.store.db.engine import Store
from tests.harness import FakeClock
from tests.several.twins import Twins
from tests.web.status.conftest import PASSWORD, sign_in

SHOPS = {"default_channel": "acme/C0SUPPORT", "dashboard_url": "https://shop.example"}
VIP = {"name": "vip", "when": {"account": "shop", "role": "bot"}, "channel": "acme/#vip"}
AT_ACME = "https://acme.slack.com/archives/C0SUPPORT"


class Watched(Twins):
    """Both, with the status page open."""

    @property
    def changes(self) -> dict[str, Any]:  # type: ignore[override]
        return {**super().changes, "admin_password": PASSWORD}


@pytest.fixture
def twins(store: Store, server: SandboxServer, clock: FakeClock, there: SandboxServer) -> Watched:
    """A customer of each account has written, and each workspace has an address."""
    twins = Watched(store, server, clock, there, shop=SHOPS, routes=[VIP])
    twins.learn_identities()
    known = twins.relay.other_identities
    known["acme"] = replace(known["acme"], url="https://acme.slack.com/")
    twins.both_write()
    assert sign_in(twins.client).status_code == 303
    return twins


def shown(twins: Watched, group: str) -> str:
    """The page of the conversation that has this name there."""
    pages = [twins.client.get(f"/conversations/{number}").text for number in (1, 2)]
    (page,) = (one for one in pages if f"<bdi>{group}</bdi>" in one)
    return page


def test_a_conversation_leads_to_its_own_workspace_and_account(twins: Watched) -> None:
    page = shown(twins, "shop/123456")
    assert f'<a href="{AT_ACME}" rel="noreferrer">acme/C0SUPPORT</a>' in page
    assert f'href="{AT_ACME}/p' in page
    assert 'href="https://shop.example/conversations/123456"' in page
    assert "sandbox.slack.com" not in page


def test_the_plain_one_leads_where_it_did(twins: Watched) -> None:
    page = shown(twins, "123456")
    assert 'href="https://sandbox.slack.com/archives/C0' in page
    assert 'href="https://dashboard.kommunicate.io/conversations/123456"' in page
    assert "acme" not in page


def test_a_channel_given_by_its_name_is_no_link(twins: Watched) -> None:
    page = twins.client.get("/channels").text
    assert f'<a href="{AT_ACME}" rel="noreferrer">acme/C0SUPPORT</a>' in page
    assert "acme/#vip" in page
    assert "vip</a>" not in page


def test_an_agent_is_called_as_the_account_knows_them(twins: Watched) -> None:
    twins.agent_there("hello Ines")
    twins.carry()
    twins.run(20)
    with twins.store.begin() as tx:
        for account, name in (("default", "Alex of the plain"), ("shop", "Alex of the shop")):
            remember_agents(tx, "T0ACME", [Agent("U0ALEX", name, "")], account=account)
    page = shown(twins, "shop/123456")
    assert "Alex of the shop" in page
    assert "Alex of the plain" not in page
