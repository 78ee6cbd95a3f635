"""How an agent's message is meant, judged by its text: a reply, a note, or possibly a note."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from relay.messages import Reading
from relay.slack.asking import called_first, note_like
from relay.slack.notes import is_marked, note_reason
from relay.slack.reply_words import Node


@dataclass(frozen=True, slots=True)
class Wording:
    """The settings for notes; `inside_hosts` are hosts whose links only the team can open."""

    note_prefixes: tuple[str, ...] = ()
    asks: bool = False
    inside_hosts: frozenset[str] = frozenset()

    def read(self, blocks: Sequence[Node], text: str) -> Reading:
        """Returns how a message is meant, as far as its text says."""
        if is_marked(blocks, text):
            return Reading(is_marked=True)
        note = note_reason(blocks, text, self.note_prefixes)
        if note is not None or not self.asks:
            return Reading(note)
        return Reading(None, note_like(blocks, text, self.inside_hosts), called_first(blocks, text))
