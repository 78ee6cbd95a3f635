"""When a customer who waits is called for, and whom; and when a claim that stands still goes back."""

from __future__ import annotations

from dataclasses import dataclass

from relay.conversation import ConversationState, Holder
from relay.settings.hours import BusinessHours

MOST_DOUBLED = 12  # times that the wait is doubled: from ten minutes on that is a month
FORGOTTEN = 86400.0  # seconds; who has waited for so long when it is first looked at is not called for at once


@dataclass(frozen=True, slots=True)
class Reminding:
    """The settings for a conversation, in seconds; None for never. `mention` is whom Slack calls where nobody has it,
    "" for nobody.
    """

    after: float | None = None
    stale: float | None = None
    hours: BusinessHours | None = None
    mention: str = ""

    def later(self, moment: float, seconds: float) -> float:
        """When so much time has passed for the team."""
        return moment + seconds if self.hours is None else self.hours.later(moment, seconds)

    def following(self, now: float, reminders: int) -> float:
        """When the reminder after so many is due."""
        return self.later(now, (self.after or 0.0) * 2 ** min(reminders + 1, MOST_DOUBLED))

    def next_due(self, now: float, state: ConversationState, reminders: int, decided: float | None) -> float | None:
        """When the next reminder after so many is due, as was decided or is to be; None for never."""
        if self.after is None:
            return None
        if decided is not None:  # one that is still to come was asked for because the clock has jumped back
            return decided if decided <= now else self.following(now, reminders - 1)
        due = self.later(state.waits_since or now, self.after)
        # nobody has minded it, and after an upgrade there are many such
        return self.following(now, reminders) if now - due > FORGOTTEN else due

    def goes_back(self, state: ConversationState) -> float | None:
        """When a chat that an agent has goes back to everybody, if nothing is done until then; None for never."""
        if self.stale is None or state.holder is not Holder.AGENT or state.waits_since is None:
            return None
        return self.later(max(state.waits_since, state.held_since or 0.0), self.stale)
