"""The line that tells people in Slack that a channel waits for them."""

from __future__ import annotations

from relay.slack.blocks import context, plain, words
from relay.slack.post import SlackPost, fallback
from relay.slack.text import escape

WHAT_HAPPENS = (
    "Its chats wait, nothing is lost. The relay looks again by itself, at the latest every five minutes; "
    "or map them to another channel."
)


def render_alert(channel: str, cause: str) -> SlackPost:
    """Says that nothing can be posted to `channel` (Slack's id, or a "#name" that was not found), and why."""
    headline = f"\N{WARNING SIGN} The relay cannot post to {channel}: {cause}"
    blocks = [words([{"type": "text", "text": headline}])]
    if not channel.startswith("#"):
        blocks.append(context({"type": "mrkdwn", "text": f"<#{escape(channel)}>", "verbatim": True}))
    return SlackPost(fallback(headline), (*blocks, context(plain(WHAT_HAPPENS))), ())
