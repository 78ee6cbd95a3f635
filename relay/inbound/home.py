"""The overview of open chats, built from the store for one person."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from relay.messages import Agent
from relay.owners import bare, owned, owner_of
from relay.routing.per_route import redact_for
from relay.routing.speaking import may_speak
from relay.slack.events import AsksForChats, LooksAtHome
from relay.slack.home import PER_PAGE, ChatRow, FailedRow, Home, home_blocks, home_view
from relay.store.conversations.people import known_agents
from relay.store.operations.chats import FailedReply, OpenChat, overview
from relay.wiring import Relay

BARRED = "The chats are shown to people who have answered one"


def as_view(relay: Relay, look: LooksAtHome, agent: Agent) -> dict[str, Any]:
    """The Home tab."""
    return home_view(_home(relay, look, agent, look.offset))


def as_answer(relay: Relay, asked: AsksForChats, agent: Agent) -> dict[str, Any]:
    """The answer to `/chats`, which only the person who asked sees; another page of it replaces it."""
    return {
        **({"response_type": "ephemeral"} if asked.turned_to is None else {"replace_original": True}),
        "text": "Open chats",
        "blocks": list(home_blocks(_home(relay, asked, agent, asked.turned_to or 0))),
    }


def _home(relay: Relay, who: LooksAtHome | AsksForChats, agent: Agent, offset: int) -> Home:
    """For people who have acted in a customer's thread, or whom the settings name: anybody can open the tab."""
    rules = relay.settings.config.replies
    with relay.store.read() as tx:
        known = [known_agents(tx, who.team, [agent.user_id], account=name) for name in relay.settings.every_account]
    found = [one[agent.user_id][0] for one in known if one]
    mapped = rules.map.get(owned(who.workspace, agent.user_id))
    agent_id = mapped or next((one.agent_id for one in found if one.agent_id), "")
    barred = may_speak(replace(agent, agent_id=agent_id), rules, comes_from_elsewhere=who.comes_from_elsewhere)
    if barred or (not found and mapped is None):
        return Home((), 0, 0, barred=BARRED)
    with relay.store.read() as tx:
        seen = overview(tx, agent_id, workspace=who.workspace, offset=offset, limit=PER_PAGE)
    chats = [
        ChatRow(
            _shown(relay, one, one.name),
            bare(one.channel),
            _url(relay, one),
            one.waits_since,
            one.holder_name,
            one.is_mine,
        )
        for one in seen.chats
    ]
    failed = [
        FailedRow(one.id, _shown(relay, one, one.name), _shown(relay, one, one.cause), _url(relay, one), one.may_have)
        for one in seen.failed
        if one.id != who.retried
    ]
    return Home(chats, seen.open, seen.waiting, failed, seen.trouble, offset=offset)


def _shown(relay: Relay, of: OpenChat | FailedReply, words: str) -> str:
    redactor = redact_for(relay.settings.config, of.rule)
    return words if redactor is None else redactor.clean(words)


def _url(relay: Relay, at: OpenChat | FailedReply) -> str:
    """Slack's link to a thread; "" until it has said which workspace this is."""
    identity = relay.identity_in(owner_of(at.channel))
    base = identity.url if identity else ""
    return f"{base.rstrip('/')}/archives/{bare(at.channel)}/p{at.thread_ts.replace('.', '')}" if base else ""
