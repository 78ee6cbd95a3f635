"""Whether everything is all right, in a sentence; and what is not, why, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from relay.findings import Finding
from relay.owners import ACCOUNT, bare, is_named, owner_of
from relay.slack.limits import FIND_CHANNEL, POSTING
from relay.store.operations.backlog import Backlog, Gate
from relay.store.queue.gates import workspace_in
from relay.vocabulary import GateScope
from relay.web.status.text import age, number

LATE = 120.0  # seconds that a message may wait where nothing holds it back
BY_ITSELF = "Nothing to do: it goes on by itself."
LOOKS_AGAIN = "Once that is mended it goes on by itself, within five minutes; nothing is lost meanwhile."


class Level(IntEnum):
    """How much it matters."""

    FINE = 0
    NOTE = 1  # it goes on by itself, or can wait
    ACT = 2  # somebody has to do something


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that is not as it should be; `path` is the page that tells more, "" for none."""

    level: Level
    what: str
    todo: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The whole in a sentence, and the reasons, those that matter most first."""

    level: Level
    sentence: str
    reasons: Sequence[Reason] = ()


def judge(standing: Backlog, gates: Sequence[Gate], findings: Sequence[Finding], now: float) -> Verdict:
    """Look at everything that is known at `now`, in seconds since 1970."""
    found = [*_of_gates(gates), *_of_backlog(standing, gates, now), *_of_findings(findings)]
    reasons = sorted(found, key=lambda one: one.level, reverse=True)
    level = max((one.level for one in reasons), default=Level.FINE)
    return Verdict(level, _sentence(reasons), reasons)


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
        return "The relay goes on with the configuration before. It reads the file again as soon as it is saved."
    return LOOKS_AGAIN if gate.needs_person else BY_ITSELF


def _of_gates(gates: Sequence[Gate]) -> Iterator[Reason]:
    for gate in gates:
        if gate.needs_person:
            verb = "cannot be used" if gate.scope is GateScope.CONFIG else "cannot go on"
            path = "/settings" if gate.scope is GateScope.CONFIG else "/channels"
            yield Reason(Level.ACT, f"{name_of(gate)} {verb}: {gate.cause}", todo_of(gate), path)
        elif gate.until is not None:
            yield Reason(Level.NOTE, f"{name_of(gate)}, paused: {gate.cause}", BY_ITSELF, "/channels")


def _of_backlog(standing: Backlog, gates: Sequence[Gate], now: float) -> Iterator[Reason]:
    if standing.dead_lately:
        count = standing.dead_lately
        what = f"{_messages(count)} {_was(count)} given up in the last 24 hours, and can be sent again."
        yield Reason(Level.ACT, what, "See why, mend it, and press Replay.", "/dead-letters")
    elif standing.dead:
        what = f"{_messages(standing.dead)} {_was(standing.dead)} given up earlier."
        yield Reason(Level.NOTE, what, "They are kept, and can be sent again.", "/dead-letters")
    if standing.unmapped:
        chats = f"{number(standing.unmapped)} chat{_s(standing.unmapped)}"
        what = f"{chats} {_has(standing.unmapped)} no channel, and what is said there waits."
        todo = "Add a `default_channel`, or lines under `channels`: they are shown as soon as the file is saved."
        yield Reason(Level.ACT, what, todo, "/channels")
    late = now - _waits_without_cause(standing, gates, now)
    if late > LATE:
        todo = "Is `relay serve` or `relay worker` running? Its log says what it does."
        yield Reason(Level.ACT, f"A message has waited for {age(late)} though nothing is paused.", todo, "/channels")


def _waits_without_cause(standing: Backlog, gates: Sequence[Gate], now: float) -> float:
    """Since when the oldest waits that no gate holds back; `now` for none."""
    shut = [gate for gate in gates if gate.until is not None or gate.needs_person]
    if standing.by_channel is None:  # nobody can tell what waits where
        return now if any(_holds_words(gate) for gate in shut) else (standing.since or now)
    lines = [(channel, one) for channel, one in standing.by_channel.items() if channel is not None]
    words = [one.words for channel, one in lines if not any(_holds_words(gate, channel) for gate in shut)]
    others = [one.others for channel, one in lines if not any(_holds_others(gate, channel) for gate in shut)]
    return min((since for since in (*words, *others) if since is not None), default=now)


def _holds_words(gate: Gate, channel: str | None = None) -> bool:
    """Whether what threads are to show waits for this: in this channel, or in some."""
    match gate.scope:
        case GateScope.CHANNEL:
            return channel in (None, gate.name)
        case GateScope.WORKSPACE:
            return _is_there(gate, channel)
        case GateScope.METHOD:
            method = bare(gate.name)
            looks_up = method == FIND_CHANNEL and (channel is None or is_named(channel))
            return (method in POSTING or looks_up) and _is_there(gate, channel)
    return False


def _holds_others(gate: Gate, channel: str) -> bool:
    """Whether replies, files and cards may wait for this: which account's they are, nobody has told."""
    of_kommunicate = gate.scope in (GateScope.ACCOUNT, GateScope.AGENT)
    return (
        of_kommunicate or _holds_words(gate, channel) or (gate.scope is GateScope.METHOD and _is_there(gate, channel))
    )


def _is_there(gate: Gate, channel: str | None) -> bool:
    return channel is None or workspace_in(gate.scope, gate.name) == owner_of(channel)


def _of_findings(findings: Sequence[Finding]) -> Iterator[Reason]:
    for one in findings:
        if one.level == "error":
            yield Reason(Level.ACT, one.message, one.hint, "/settings")


def _sentence(reasons: Sequence[Reason]) -> str:
    to_do = [one for one in reasons if one.level is Level.ACT]
    if len(to_do) > 1:
        return f"{len(to_do)} things need you."
    if to_do:
        return "One thing needs you."
    notes = {0: "", 1: " There is one thing to know."}.get(len(reasons), f" There are {len(reasons)} things to know.")
    return f"Everything is all right.{notes}"


def _messages(count: int) -> str:
    return f"{number(count)} message{_s(count)}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _has(count: int) -> str:
    return "has" if count == 1 else "have"
