"""The overview of open chats, made from the store for one person."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from relay.messages import Agent
from relay.routing.speaking import may_speak
from relay.slack.home import PER_PAGE, ChatRow, FailedRow, Home, home_blocks, home_view
from relay.store.conversations.people import known_agents
from relay.store.operations.chats import FailedReply, OpenChat, overview
from relay.wiring import Relay

BARRED = "This relay shows its chats to those who may answer them"


def as_view(relay: Relay, agent: Agent, *, offset: int = 0) -> dict[str, Any]:
    """The Home tab."""
    return home_view(_home(relay, agent, offset))


def as_answer(relay: Relay, agent: Agent) -> dict[str, Any]:
    """The answer to `/chats`, which only whoever asked sees."""
    return {"response_type": "ephemeral", "text": "Open chats", "blocks": list(home_blocks(_home(relay, agent, 0)))}


def _home(relay: Relay, agent: Agent, offset: int) -> Home:
    rules = relay.settings.config.replies
    with relay.store.read() as tx:
        known = known_agents(tx, relay.identity.team if relay.identity else "", [agent.user_id])
    proven = rules.map.get(agent.user_id) or (known[agent.user_id][0].agent_id if agent.user_id in known else "")
    if may_speak(replace(agent, agent_id=proven), rules, comes_from_elsewhere=False):
        return Home((), 0, 0, trouble=BARRED)
    agent_id = proven or agent.agent_id  # not looked up yet: it only says which chats are one's own
    with relay.store.read() as tx:
        seen = overview(tx, agent_id, offset=offset, limit=PER_PAGE)
    chats = [
        ChatRow(one.name, one.channel, _url(relay, one), one.waits_since, one.holder_name, one.is_mine)
        for one in seen.chats
    ]
    failed = [FailedRow(one.id, one.name, one.cause, _url(relay, one)) for one in seen.failed]
    return Home(chats, seen.open, seen.waiting, failed, seen.trouble, offset)


def _url(relay: Relay, at: OpenChat | FailedReply) -> str:
    """Where Slack shows a thread; "" until it has said which workspace this is."""
    base = relay.identity.url if relay.identity else ""
    return f"{base.rstrip('/')}/archives/{at.channel}/p{at.thread_ts.replace('.', '')}" if base else ""
