"""The line that tells people in Slack of what waits for them."""

from __future__ import annotations

from relay.owners import ACCOUNT, bare, is_named, owner_of
from relay.slack.blocks import context, plain, words
from relay.slack.post import SlackPost, fallback
from relay.slack.text import escape
from relay.vocabulary import GateScope

_HEADLINES = {
    GateScope.CHANNEL: "The relay cannot post to {name}: {cause}",
    GateScope.WORKSPACE: "The relay cannot use the workspace {name}: {cause}",
    GateScope.ACCOUNT: "The relay cannot use Kommunicate{of}: {cause}",
    GateScope.CONFIG: "The relay cannot use {name} as it was edited: {cause}",
    GateScope.AGENT: "Kommunicate lets nothing be done for {name}: {cause}",
}
_AGAIN = "nothing is lost. The relay looks again by itself, at the latest every five minutes"
_WHAT_HAPPENS = {
    GateScope.CHANNEL: f"Its chats wait, {_AGAIN}; or map them to another channel.",
    GateScope.WORKSPACE: f"Its chats wait, {_AGAIN}.",
    GateScope.ACCOUNT: f"What is for Kommunicate waits, {_AGAIN}.",
    GateScope.CONFIG: "It goes on with what the file said before. `relay check` tells more.",
    GateScope.AGENT: f"Their replies wait, {_AGAIN}.",
}


def render_alert(scope: GateScope, name: str, cause: str, *, here: str = "") -> SlackPost:
    """Says what waits for a person, and why, in the workspace `here`.

    A channel's `name` is Slack's id, or a "#name" that was not found.
    """
    headline = f"\N{WARNING SIGN} {_HEADLINES[scope].format(name=name, cause=cause, of=_of(scope, name))}"
    blocks = [words([{"type": "text", "text": headline}])]
    if scope is GateScope.CHANNEL and not is_named(name) and owner_of(name) == here:
        blocks.append(context({"type": "mrkdwn", "text": f"<#{escape(bare(name))}>", "verbatim": True}))
    return SlackPost(fallback(headline), (*blocks, context(plain(_WHAT_HAPPENS[scope]))), ())


def _of(scope: GateScope, name: str) -> str:
    """Which account is meant, where that is not the plain one."""
    account = owner_of(name) or name if scope is GateScope.ACCOUNT else ACCOUNT
    return "" if account == ACCOUNT or " " in account else f" (account {account})"
