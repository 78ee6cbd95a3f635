"""Whether everything is all right, in a sentence; and what is not, why, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from relay.findings import Finding
from relay.owners import ACCOUNT, WORKSPACE, bare, is_named, owner_of
from relay.slack.limits import FIND_CHANNEL, POSTING
from relay.store.operations.backlog import Backlog, Gate
from relay.store.queue.gates import gate_of_workspace, workspace_in
from relay.vocabulary import GateScope
from relay.web.status.gates import BY_ITSELF, name_of, todo_of
from relay.web.status.text import age, number

LATE = 120.0  # seconds that a message may wait where nothing holds it back
NAMED = 3  # things that the sentence names
PAUSED = "paused"  # the code of what was seen of gates at some time; here they are told as they are now
OF_CHANNELS = ("channel_not_found", "channel_archived", "channel_not_member", "channel_refused")
ALSO_TOLD_BY = {
    "slack_token": (GateScope.WORKSPACE, gate_of_workspace(WORKSPACE)),
    "kommunicate_key": (GateScope.ACCOUNT, ACCOUNT),
}


class Level(IntEnum):
    """How much it matters."""

    FINE = 0
    NOTE = 1  # it goes on by itself, or can wait
    ACT = 2  # somebody has to do something


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that is not as it should be; `path` is the page that tells more, `short` what it is in a few words."""

    level: Level
    what: str
    todo: str
    path: str
    short: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The whole in a sentence, what somebody has to do, and what there is to know besides."""

    level: Level
    sentence: str
    to_do: Sequence[Reason] = ()
    to_know: Sequence[Reason] = ()


def judge(standing: Backlog, gates: Sequence[Gate], findings: Sequence[Finding], now: float) -> Verdict:
    """Look at everything that is known at `now`, in seconds since 1970."""
    found = [*_of_gates(gates), *_of_backlog(standing, gates, now), *_of_findings(findings, gates)]
    to_do = [one for one in found if one.level is Level.ACT]
    to_know = [one for one in found if one.level is Level.NOTE]
    level = max((one.level for one in found), default=Level.FINE)
    return Verdict(level, _sentence(to_do, len(to_know)), to_do, to_know)


def _of_gates(gates: Sequence[Gate]) -> Iterator[Reason]:
    for gate in gates:
        what, of_file = name_of(gate), gate.scope is GateScope.CONFIG
        short = what if what.startswith("Slack's ") else what[:1].lower() + what[1:]
        if gate.needs_person:
            verb, path = ("cannot be used", "/settings") if of_file else ("cannot continue", "/channels")
            yield Reason(Level.ACT, f"{what} {verb}: {gate.cause}", todo_of(gate), path, short)
        elif gate.until is not None:
            yield Reason(Level.NOTE, f"{what}, paused: {gate.cause}", BY_ITSELF, "/channels", short)


def _of_backlog(standing: Backlog, gates: Sequence[Gate], now: float) -> Iterator[Reason]:
    lately, dead, unmapped = standing.dead_lately, standing.dead, standing.unmapped
    if lately:
        more = f" ({number(dead)} in all)" if dead > lately else ""
        what = f"{_messages(lately)} {_was(lately)} given up in the last 24 hours{more}, and can be sent again."
        todo = "See why, fix the cause, and send again."
        yield Reason(Level.ACT, what, todo, "/dead-letters", f"{number(lately)} dead letter{_s(lately)}")
    elif dead:
        what, todo = f"{_messages(dead)} {_was(dead)} given up earlier.", "They are kept, and can be sent again."
        yield Reason(Level.NOTE, what, todo, "/dead-letters", "dead letters")
    if unmapped:
        chats = f"{number(unmapped)} chat{_s(unmapped)}"
        what = f"{chats} {_has(unmapped)} no channel: new messages wait."
        todo = (
            "Add a `default_channel`, or lines under `channels`: the messages are shown as soon as the file is saved."
        )
        yield Reason(Level.ACT, what, todo, "/channels", f"{chats} without a channel")
    late = now - _waits_without_cause(standing, gates, now)
    if late > LATE:
        what = f"A message has waited for {age(late)} though nothing is paused."
        todo = "Is `relay serve` or `relay worker` running? Its log says what it does."
        yield Reason(Level.ACT, what, todo, "/channels", "a message that waits")


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


def _of_findings(findings: Sequence[Finding], gates: Sequence[Gate]) -> Iterator[Reason]:
    for one in findings:
        if one.level == "error" and not _is_told(one, gates):
            short = f"the setting {one.where}" if one.where else f"the finding {one.code}"
            yield Reason(Level.ACT, one.message, one.hint, "/settings", short)


def _is_told(one: Finding, gates: Sequence[Gate]) -> bool:
    """Whether a gate says the same, with what waits because of it: nothing is to be counted twice."""
    shut = {(gate.scope, gate.name) for gate in gates if gate.needs_person}
    if one.code in OF_CHANNELS:
        names = [re.escape(bare(name)) for scope, name in shut if scope is GateScope.CHANNEL]
        return any(re.search(rf"(?<![\w#-]){name}(?![\w-])", one.message) for name in names)
    return one.code == PAUSED or ALSO_TOLD_BY.get(one.code) in shut


def _sentence(to_do: Sequence[Reason], notes: int) -> str:
    if not to_do:
        told = {0: "", 1: " There is one thing to know."}.get(notes, f" There are {notes} things to know.")
        return f"Everything is all right.{told}"
    count, names = len(to_do), [one.short for one in to_do]
    needs = "One thing needs you" if count == 1 else f"{count} things need you"
    named = names if count <= NAMED else [*names[: NAMED - 1], f"{count - NAMED + 1} more"]
    return f"{needs}: {' and '.join(filter(None, (', '.join(named[:-1]), named[-1])))}."


def _messages(count: int) -> str:
    return f"{number(count)} message{_s(count)}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _has(count: int) -> str:
    return "has" if count == 1 else "have"
