"""What of customers may be shown in Slack, according to the settings: for each rule, and for all of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import TypeAdapter

from relay.routing.per_route import every_redaction, facts_for
from relay.settings import Config
from relay.settings.redactions import Redactions

CONTACTS = {"email", "phone"}


@dataclass(frozen=True, slots=True)
class Privacy:
    """By the rule that chose a conversation's channel."""

    config: Config = field(default_factory=Config)

    def facts(self, rule: str) -> tuple[str, ...]:
        """What cards show there about their customers."""
        return facts_for(self.config, rule)

    @property
    def shows_contacts(self) -> bool:
        """True if some card shows contact details."""
        shown = {*self.config.facts, *(fact for route in self.config.routes for fact in route.facts or ())}
        return bool(shown & CONTACTS)

    def all_rules(self) -> str:
        """Everything that is hidden in some chat, as JSON; "" for nothing."""
        rules = every_redaction(self.config)
        return TypeAdapter(Redactions).dump_json(rules, exclude_none=True).decode() if rules else ""
