"""A desk with a second account of Kommunicate's and a second workspace of Slack's, each strict about its own secrets.

What belongs to the second is in a sandbox of its own; conversations and channels have the same ids in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from relay.delivery.at_once import AtOnce
from relay.sandbox import Sandbox, SandboxServer
from relay.sandbox.slack.board import Message
from relay.settings.keys import AccountKeys, WorkspaceKeys
from relay.store.db.engine import Store
from relay.wiring import Relay, learn_identity
from tests.harness import FakeClock, threads, wait_for, words
from tests.replies.desk import GROUP, Desk

SHOP = {"webhook_token": "SHOP_WEBHOOK_TOKEN", "api_key": "SHOP_API_KEY"}
ACME = {"bot_token": "ACME_SLACK_BOT_TOKEN", "signing_secret": "ACME_SLACK_SIGNING_SECRET"}
OF_PLAIN = {"xoxb-sandbox", "sandbox-key"}
OF_OTHER = {"xoxb-acme", "shop-key"}
NAMED = MappingProxyType({"accounts": True, "workspaces": True})


def other_sandbox(now: Any, **more: Any) -> Sandbox:
    """The workspace acme and the account shop."""
    keys = {"bot_token": "xoxb-acme", "signing_secret": "acme-signing-secret", "api_key": "shop-key"}
    return Sandbox(now, team="T0ACME", webhook_token="shop-token", **keys, **more)


class Twins(Desk):
    """`there` is the second sandbox; what is not `named` the configuration does not name."""

    def __init__(
        self,
        store: Store,
        server: SandboxServer,
        clock: FakeClock,
        there: SandboxServer,
        named: Mapping[str, bool] = NAMED,
        **config: Any,
    ) -> None:
        self.there, self.named = there, named
        super().__init__(store, server, clock, **config)

    @property
    def changes(self) -> dict[str, Any]:  # type: ignore[override]
        shop = AccountKeys(webhook_tokens=("shop-token",), api_key="shop-key", api_url=self.there.kommunicate_api_url)
        acme = WorkspaceKeys(
            bot_token="xoxb-acme", signing_secrets=("acme-signing-secret",), api_url=self.there.slack_api_url
        )
        return {
            "accounts": {"shop": shop} if self.named["accounts"] else {},
            "workspaces": {"acme": acme} if self.named["workspaces"] else {},
        }

    def assemble(self, config: dict[str, Any]) -> Relay:
        people = {"accounts": {"shop": {**SHOP, **config.pop("shop", {})}}} if self.named["accounts"] else {}
        config = {**config, "kommunicate": {**config.get("kommunicate", {}), **people}}
        config |= {"slack": {"workspaces": {"acme": ACME}}} if self.named["workspaces"] else {}
        relay = super().assemble(config)
        for name, keys in relay.settings.workspaces.items():
            relay.others_at_once[name] = AtOnce(keys.bot_token or "", keys.api_url, workspace=name)
            relay.others_at_once[name].do = lambda name, call: call()  # type: ignore[method-assign]
        other = self.there.sandbox
        other.connect("http://relay.test")
        other.kommunicate.webhook_url = "http://relay.test/kommunicate/shop/webhook"
        for sender in (other.slack.sender, other.kommunicate.webhook):
            sender.outbox.put = self._post  # type: ignore[method-assign]
        return relay

    def learn_identities(self) -> None:
        """What a process asks Slack at its start."""
        learn_identity(self.relay)
        names = self.relay.settings.every_workspace
        assert wait_for(lambda: all(self.relay.identity_in(name) for name in names))

    def both_write(self, here: str = "m1 here", there: str = "m2 there", group: str = GROUP) -> None:
        """A customer of each account, in conversations of the same id."""
        self.sandbox.kommunicate.customer_writes(group, here, name="Jane")
        self.there.sandbox.kommunicate.customer_writes(group, there, name="Ines")
        assert set(self.carry()) == {200}
        self.run(5)

    def agent_there(self, text: str, user: str = "U0ALEX", channel: str = "C0SUPPORT", **more: Any) -> Message:
        """An agent writes in the thread that the second workspace has in a channel; the event is in the mail."""
        (thread,) = threads(self.there, channel)
        return self.there.sandbox.slack.human_writes(channel, text, user=user, thread_ts=thread, **more)

    def reached_there(self, group: str = GROUP) -> list[str]:
        """What the customer of the second account was sent."""
        return [line.text for line in self.there.sandbox.kommunicate.conversation(group).lines if line.source == 4]

    def shown_there(self) -> list[str]:
        """What stands in the threads of the second workspace."""
        return [words(one) for thread in threads(self.there).values() for one in thread[1:]]

    def rename(self, *, accounts: bool = True, workspaces: bool = True, **config: Any) -> None:
        """Another process, whose configuration names these or does not."""
        self.named = {"accounts": accounts, "workspaces": workspaces}
        self.restart(**config)

    def assert_nothing_leaked(self) -> None:
        """Neither was ever shown a secret of the other's."""
        assert self.sandbox.shown <= OF_PLAIN
        assert self.there.sandbox.shown <= OF_OTHER


def refused_token(twins: Twins) -> None:
    """The second workspace's app is removed: its token opens nothing any more."""
    twins.there.sandbox.slack.bot_token = "xoxb-another"
