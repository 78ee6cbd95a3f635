"""What Slack would get for a message: the real delivery, on a separate store, to a Slack that only records."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from structlog.contextvars import bound_contextvars

from relay.delivery.worker import Worker
from relay.errors import Permanent
from relay.logs import REHEARSAL
from relay.messages import ChatMessage, Person
from relay.settings import Settings
from relay.settings.keys import AccountKeys
from relay.slack.api import Api
from relay.slack.client import SlackClient
from relay.store.conversations.people import remember_people
from relay.store.db.engine import open_store
from relay.store.db.schema import migrate
from relay.store.intake.webhooks import Inbound, accept_all
from relay.vocabulary import Lane
from relay.wiring.delivering import build_context
from relay.wiring.relay import Relay

NOBODY = "http://127.0.0.1:9"  # nothing listens there, and nothing is called there
STEPS = 50  # that a message takes at most, however long it is
BEGAN = 1_700_000_000  # the `ts` of the first post, in seconds


class _Notebook(Api):
    """Accepts posts and answers like Slack; refuses everything else."""

    def __init__(self, workspace: str, posts: list[Mapping[str, Any]]) -> None:
        super().__init__("rehearsal", f"{NOBODY}/", deadline=1.0, workspace=workspace)
        self.posts = posts

    def _call(self, method: str, body: bytes, headers: Mapping[str, str], deadline: float) -> Mapping[str, Any]:
        if method != "chat.postMessage":
            raise Permanent("a rehearsal only posts", code="rehearsal")
        post: dict[str, Any] = json.loads(body)
        self.posts.append(post)
        ts = f"{BEGAN + len(self.posts)}.000000"
        return {"ok": True, "channel": post["channel"], "ts": ts, "message": {"thread_ts": post.get("thread_ts")}}


def rehearse(settings: Settings, message: ChatMessage, body: bytes) -> list[Mapping[str, Any]]:
    """The arguments of each `chat.postMessage`, in order, for a conversation that this message begins.

    The settings decide whether replies are possible; no names are looked up, and no files fetched.
    """
    with bound_contextvars(**{REHEARSAL: True}), _relay(settings) as relay:
        decision = relay.choose(message)
        if decision.channel is None:
            return []
        name = message.conversation.account
        role = relay.facts_of(message).role
        with relay.store.begin() as tx:
            remember_people(tx, name, [Person(message.sender, message.sender, role)])
            accept_all(tx, [Inbound(message, body, decision, relay.listed(name, message.sender))])
        posts: list[Mapping[str, Any]] = []
        notebooks = [_Notebook(name, posts) for name in settings.every_workspace]
        slack = {one.workspace: SlackClient(one.token, one.base_url, api=one) for one in notebooks}
        context = build_context(relay, workspaces=slack)
        context.channel_ids[decision.channel] = decision.channel
        words_alone = {lane: 1 if lane is Lane.WORDS else 0 for lane in Lane}
        worker = Worker(context, at_most=words_alone)
        for _ in range(STEPS):
            if not worker.run_once():
                break
        return posts


@contextmanager
def _relay(settings: Settings) -> Iterator[Relay]:
    with tempfile.TemporaryDirectory(prefix="relay-route-") as folder:
        store = open_store(f"sqlite:///{Path(folder) / 'rehearsal.db'}")
        with closing(store):
            migrate(store)
            yield Relay(_harmless(settings), store)


def _harmless(settings: Settings) -> Settings:
    """With no delays, and no real addresses."""
    pace = settings.config.delivery.model_copy(update={"posts_per_second": 1000.0, "burst": 1000})
    return replace(
        settings,
        config=settings.config.model_copy(update={"delivery": pace}),
        slack_bot_token="rehearsal",  # noqa: S106
        slack_api_url=f"{NOBODY}/",
        kommunicate_api_url=NOBODY,
        kommunicate_api_key=settings.kommunicate_api_key and "rehearsal",
        workspaces={
            name: replace(keys, bot_token="rehearsal", api_url=f"{NOBODY}/")  # noqa: S106
            for name, keys in settings.workspaces.items()
        },
        accounts={
            name: AccountKeys(api_key=keys.api_key and "rehearsal", api_url=NOBODY)
            for name, keys in settings.accounts.items()
        },
    )
