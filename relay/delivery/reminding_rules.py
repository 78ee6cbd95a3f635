"""When a waiting customer's chat notifies somebody, and whom; and when an idle claim is released."""

from __future__ import annotations

from dataclasses import dataclass

from relay.conversation import ConversationState, Holder
from relay.settings.hours import BusinessHours

MOST_DOUBLED = 12  # times that the delay is doubled: starting from ten minutes, that is a month
FORGOTTEN = 86400.0  # seconds; a customer found waiting for longer than this triggers no immediate reminder


@dataclass(frozen=True, slots=True)
class Reminding:
    """The settings for a conversation, in seconds; None for never. `mention` is whom Slack notifies if nobody has it,
    "" for nobody.
    """

    after: float | None = None
    stale: float | None = None
    hours: BusinessHours | None = None
    mention: str = ""

    def later(self, moment: float, seconds: float) -> float:
        """When this much of the team's working time has passed."""
        return moment + seconds if self.hours is None else self.hours.later(moment, seconds)

    def following(self, now: float, reminders: int) -> float:
        """When the reminder after this many is due."""
        return self.later(now, (self.after or 0.0) * 2 ** min(reminders + 1, MOST_DOUBLED))

    def next_due(self, now: float, state: ConversationState, reminders: int, decided: float | None) -> float | None:
        """When the next reminder after this many is due, as already decided or computed now; None for never."""
        if self.after is None:
            return None
        if decided is not None:  # a decision for the future exists because the clock has jumped back
            return decided if decided <= now else self.following(now, reminders - 1)
        due = self.later(state.waits_since or now, self.after)
        # nobody minded so far, and after an upgrade there are many
        return self.following(now, reminders) if now - due > FORGOTTEN else due

    def goes_back(self, state: ConversationState) -> float | None:
        """When a chat is released if its agent does nothing until then; None for never."""
        if self.stale is None or state.holder is not Holder.AGENT or state.waits_since is None:
            return None
        return self.later(max(state.waits_since, state.held_since or 0.0), self.stale)
