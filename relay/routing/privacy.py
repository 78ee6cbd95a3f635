"""What may be seen in Slack of customers: the settings' word, for each rule and for all of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import TypeAdapter

from relay.routing.per_route import every_redaction, facts_for
from relay.settings import Config
from relay.settings.redactions import Redactions

CONTACTS = {"email", "phone"}


@dataclass(frozen=True, slots=True)
class Privacy:
    """By the rule by which a conversation has its channel."""

    config: Config = field(default_factory=Config)

    def facts(self, rule: str) -> tuple[str, ...]:
        """What cards show there of their customers."""
        return facts_for(self.config, rule)

    @property
    def shows_contacts(self) -> bool:
        """True where some card shows how a customer can be reached."""
        shown = {*self.config.facts, *(fact for route in self.config.routes for fact in route.facts or ())}
        return bool(shown & CONTACTS)

    def all_rules(self) -> str:
        """All that is hidden in some chat, as JSON; "" for nothing."""
        rules = every_redaction(self.config)
        return TypeAdapter(Redactions).dump_json(rules, exclude_none=True).decode() if rules else ""
