"""Conversation -> Slack channel, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from relay.messages import Decision
from relay.owners import owned
from relay.routing.candidates import Candidates
from relay.routing.facts import Facts
from relay.routing.per_route import route_of
from relay.settings import Config
from relay.settings.conditions import Asks, Join, Joined, Part
from relay.settings.wrong import shown

Clean = Callable[[str], str]

_BETWEEN = {Join.ALL: " and ", Join.ANY: " or ", Join.NOT: " or "}
_MOMENTS = ("hours", "days")


@dataclass(frozen=True, slots=True)
class Tried:
    """One rule as a conversation met it: `channels`, `routes:<name>` or `default_channel`, and why it does or does not
    match.
    """

    rule: str
    holds: bool
    why: str


class Router:
    """The mapping of one configuration. Called for every message, so it only examines routes that may match."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._candidates = Candidates([route.when for route in config.routes])

    def choose(self, facts: Facts) -> Decision:
        """The channel from the plain mapping, otherwise from the first matching route, otherwise the default."""
        config, group_id = self._config, owned(facts.account, facts.group_id)
        if channel := config.listed_channel(facts.account, facts.group_id):
            return Decision(channel, "channels", f"`channels` lists {group_id}.")
        for number in self._candidates.of(facts):
            route = config.routes[number]
            if holds(route.when, facts):
                return Decision(route.channel, f"routes:{route.name}", f"{say(route.when)} in route {route.name}.")
        if channel := config.default_channel_of(facts.account):
            why = f"Nothing names {group_id}, so it goes to `default_channel`."
            return Decision(channel, "default_channel", why)
        why = f"Nothing names {group_id}: add `{group_id}: <channel>` under `channels`, or a `default_channel`."
        return Decision(None, "unmapped", why)

    def explain(self, facts: Facts, clean: Clean = str) -> Iterator[Tried]:
        """Every rule in the order in which they are asked, up to the one that decides.

        `clean` makes of a text what may be shown of it: before it is cut, or half a detail would be left.
        """
        decision = self.choose(facts)
        listed = decision.rule == "channels"
        yield Tried(
            "channels",
            listed,
            clean(decision.why) if listed else f"{shown(clean(owned(facts.account, facts.group_id)))} is not listed",
        )
        if listed:
            return
        for route in self._config.routes:
            held = holds(route.when, facts)
            why = say(route.when) if held else "; ".join(_missed(route.when, facts, clean))
            yield Tried(f"routes:{route.name}", held, why)
            if held:
                return
        known = self._config.default_channel_of(facts.account) is not None
        yield Tried("default_channel", known, "for all others" if known else "it is not set, so the chat waits")


def moves_to(config: Config, decision: Decision) -> bool:
    """True if a chat moves when a later message would be routed there."""
    route = route_of(config, decision.rule)
    return route is not None and route.follow


def holds(part: Part, facts: Facts) -> bool:
    """True if a condition holds, or all, one or none of several."""
    if isinstance(part, Asks):
        return any(value.matches(fact) for fact in facts.values(part.name) for value in part.values)
    held = (holds(inner, facts) for inner in part.parts)
    if part.join is Join.ALL:
        return all(held)
    return any(held) is (part.join is Join.ANY)


def say(part: Part) -> str:
    """Conditions in plain English."""
    if isinstance(part, Asks):
        values = " or ".join(value.written for value in part.values)
        return f"it is {values}" if part.name in _MOMENTS else f"{part.name} is {values}"
    said = [_bracketed(inner, part) for inner in part.parts]
    text = _BETWEEN[part.join].join(said)
    return f"not ({text})" if part.join is Join.NOT else text


def _bracketed(inner: Part, outer: Joined) -> str:
    alone = len(outer.parts) == 1 or (isinstance(inner, Joined) and len(inner.parts) == 1)
    if isinstance(inner, Asks) or alone or inner.join is Join.NOT:
        return say(inner)
    return f"({say(inner)})"


def _missed(part: Part, facts: Facts, clean: Clean) -> Iterator[str]:
    """What of it does not hold, beside what the conversation has instead."""
    if isinstance(part, Joined) and part.join is Join.ALL:
        for inner in part.parts:
            yield from _missed(inner, facts, clean)
    elif not holds(part, facts):
        if isinstance(part, Joined):
            yield f"{say(part)} does not hold"
        else:
            yield f"{_has(part, facts, clean)}, not {' or '.join(value.written for value in part.values)}"


def _has(part: Asks, facts: Facts, clean: Clean) -> str:
    if part.name in _MOMENTS:
        return "it is another time"
    found = [shown(clean(str(value))) for value in facts.values(part.name)][:3]
    return f"{part.name} is {', '.join(found)}" if found else f"it has no {part.name}"
