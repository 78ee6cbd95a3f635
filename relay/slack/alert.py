"""The line that tells people in Slack of what waits for them."""

from __future__ import annotations

from relay.slack.blocks import context, plain, words
from relay.slack.post import SlackPost, fallback
from relay.slack.text import escape
from relay.vocabulary import GateScope

_HEADLINES = {
    GateScope.CHANNEL: "The relay cannot post to {name}: {cause}",
    GateScope.ACCOUNT: "The relay cannot use Kommunicate: {cause}",
    GateScope.CONFIG: "The relay cannot use {name} as it was edited: {cause}",
    GateScope.AGENT: "Kommunicate lets nothing be done for {name}: {cause}",
}
_AGAIN = "nothing is lost. The relay looks again by itself, at the latest every five minutes"
_WHAT_HAPPENS = {
    GateScope.CHANNEL: f"Its chats wait, {_AGAIN}; or map them to another channel.",
    GateScope.ACCOUNT: f"What is for Kommunicate waits, {_AGAIN}.",
    GateScope.CONFIG: "It goes on with what the file said before. `relay check` tells more.",
    GateScope.AGENT: f"Their replies wait, {_AGAIN}.",
}


def render_alert(scope: GateScope, name: str, cause: str) -> SlackPost:
    """Says what waits for a person, and why. A channel's `name` is Slack's id, or a "#name" that was not found."""
    headline = f"\N{WARNING SIGN} {_HEADLINES[scope].format(name=name, cause=cause)}"
    blocks = [words([{"type": "text", "text": headline}])]
    if scope is GateScope.CHANNEL and not name.startswith("#"):
        blocks.append(context({"type": "mrkdwn", "text": f"<#{escape(name)}>", "verbatim": True}))
    return SlackPost(fallback(headline), (*blocks, context(plain(_WHAT_HAPPENS[scope]))), ())
