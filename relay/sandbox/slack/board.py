"""Every message of the workspace in the order it was posted, and how threads start and end."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from relay.sandbox.core import Core
from relay.sandbox.slack.values import Message, SlackError


class Board:
    """Messages by channel and thread; callers hold the lock."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.messages: list[Message] = []
        self.history_lag = 0.0  # seconds until history and replies show a post
        self._by_ts: dict[tuple[str, str], Message] = {}
        self._roots: dict[str, list[Message]] = defaultdict(list)
        self._replies: dict[tuple[str, str], list[Message]] = defaultdict(list)
        self._last_ts = 0

    def next_ts(self) -> str:
        """A ts like "1712345678.000100": from the clock, unique, and always later than the last one."""
        self._last_ts = max(int(self.core.now() * 1_000_000), self._last_ts + 100)
        seconds, micros = divmod(self._last_ts, 1_000_000)
        return f"{seconds}.{micros:06d}"

    def find(self, channel: str, ts: str) -> Message | None:
        """The message with this ts, a tombstone included, or None."""
        message = self._by_ts.get((channel, ts))
        return None if message is None or message.gone else message

    def need(self, channel: str, ts: str) -> Message:
        """The existing message with this ts; raises message_not_found."""
        message = self.find(channel, ts)
        if message is None or message.deleted:
            raise SlackError("message_not_found")
        return message

    def parent_of(self, channel: str, ts: str) -> Message | None:
        """The root of the thread that this ts is in, whether it is the root's own ts or a reply's."""
        message = self.find(channel, ts)
        if message is None or message.thread_ts is None:
            return message
        return self.find(channel, message.thread_ts)

    def add(self, channel: str, user: str, text: str, *, thread_ts: str | None, **rest: Any) -> Message:
        """Posts in a thread, or at the channel's top level if no message has that ts (any more), as Slack does."""
        parent = self.parent_of(channel, thread_ts) if thread_ts else None
        if parent is not None and parent.locked:
            raise SlackError("restricted_action_thread_locked")
        message = Message(channel, self.next_ts(), user, text, **rest)
        message.thread_ts = parent.ts if parent else None
        message.broadcast = message.broadcast and parent is not None
        message.visible_at = self.core.now() + self.history_lag
        self._keep(message)
        return message

    def _keep(self, message: Message) -> None:
        self.messages.append(message)
        self._by_ts[message.channel, message.ts] = message
        if message.thread_ts:
            self._replies[message.channel, message.thread_ts].append(message)
        if message.thread_ts is None or message.broadcast:
            self._roots[message.channel].append(message)
        self.core.touch()

    def remove(self, message: Message) -> None:
        """Deletes a message; a parent with replies leaves a tombstone, which disappears with its last reply."""
        message.deleted = True
        message.gone = not self.replies(message)
        if message.gone:
            self._forget(message)
        parent = self.find(message.channel, message.thread_ts) if message.thread_ts else None
        if parent is not None and parent.deleted and not self.replies(parent):
            parent.gone = True
            self._forget(parent)
        self.core.touch()

    def _forget(self, message: Message) -> None:
        if message in self._roots[message.channel]:
            self._roots[message.channel].remove(message)
        if message.thread_ts:
            self._replies[message.channel, message.thread_ts].remove(message)

    def replies(self, parent: Message) -> list[Message]:
        """The replies that still exist, oldest first."""
        return self._replies.get((parent.channel, parent.ts), [])

    def roots(self, channel: str) -> list[Message]:
        """What the channel itself shows, oldest first: roots, tombstones, and replies also sent to the channel."""
        return self._roots.get(channel, [])

    def visible(self, messages: list[Message]) -> list[Message]:
        """Those that the reading methods already show."""
        now = self.core.now()
        return [message for message in messages if message.visible_at <= now]
