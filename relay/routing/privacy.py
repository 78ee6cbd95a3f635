"""What of customers may be shown in Slack, according to the settings: for each rule, and for all of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from relay.routing.per_route import every_redaction, facts_for
from relay.settings import Config
from relay.settings.redactions import Redaction, Redactions

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
        """All that is hidden in some chat, as JSON; "" for nothing."""
        return _as_json(every_redaction(self.config))

    def rules_by_route(self) -> str:
        """What is hidden in which chats, as JSON; "" for nothing anywhere."""
        own = {one.name: _as_json(one.redact) for one in self.config.routes if one.redact is not None}
        rules = {"": _as_json(self.config.redact), **own}
        return json.dumps(rules, sort_keys=True) if any(rules.values()) else ""


def _as_json(rules: tuple[Redaction, ...]) -> str:
    return TypeAdapter(Redactions).dump_json(rules, exclude_none=True).decode() if rules else ""
