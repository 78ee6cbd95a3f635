"""What gates hold back, in words: what it is, and what a person can do about it."""

from __future__ import annotations

from relay.owners import ACCOUNT, bare, owner_of
from relay.store.operations.backlog import Gate
from relay.store.queue.gates import workspace_in
from relay.vocabulary import GateScope

BY_ITSELF = "Nothing to do: it resumes by itself."
LOOKS_AGAIN = "Once this is fixed, it resumes by itself within five minutes. Nothing is lost."
GOES_ON = "The relay keeps the previous configuration. It reads the file again as soon as you save it."


def name_of(gate: Gate) -> str:
    """What a gate holds back, as people say it; whose it is where it is not the plain one's."""
    owner = workspace_in(gate.scope, gate.name)
    match gate.scope:
        case GateScope.CHANNEL:
            return f"Posts to {gate.name}"
        case GateScope.METHOD:
            return f"Slack's {bare(gate.name)}{_in(owner)}"
        case GateScope.WORKSPACE:
            return f"Everything for Slack{_in(owner)}"
        case GateScope.AGENT:
            return f"What is done for {gate.name} in Kommunicate"
        case GateScope.CONFIG:
            return f"The edited configuration ({gate.name})"
        case GateScope.ACCOUNT:
            if " " in gate.name:
                return f"Look-ups of names{_in(owner_of(gate.name))}"
            return f"Everything for Kommunicate{_in(gate.name)}"


def _in(owner: str) -> str:
    """Whose it is, where it is not the plain one's."""
    return "" if owner in ("", ACCOUNT) else f" ({owner})"


def todo_of(gate: Gate) -> str:
    """What a person can do about it; the cause has said already what is wrong."""
    if gate.scope is GateScope.CONFIG:
        return GOES_ON
    return LOOKS_AGAIN if gate.needs_person else BY_ITSELF
