"""When a customer who waits is called for, and whom."""

from __future__ import annotations

from dataclasses import dataclass

from relay.settings.hours import BusinessHours

MOST_DOUBLED = 12  # times that the wait is doubled: from ten minutes on that is a month
FORGOTTEN = 86400.0  # seconds; who has waited for so long when it is first looked at is not called for at once


@dataclass(frozen=True, slots=True)
class Reminding:
    """The settings, in seconds; None for never. `mention` is whom Slack calls where nobody has it, "" for nobody."""

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
