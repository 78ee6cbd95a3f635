"""Each channel: its pace, what waits for it, and what holds it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Response

from relay.settings import Config
from relay.store.operations.backlog import Backlog, Gate, InLine, backlog, gates_now
from relay.store.queue.gates import CAUTIOUS
from relay.vocabulary import GateScope
from relay.web.status.conversations import channel_url
from relay.web.status.guard import doors
from relay.web.status.pages import pages
from relay.web.status.render import page
from relay.web.status.verdict import name_of, todo_of

MOST = 500  # channels on the page


@dataclass(frozen=True, slots=True)
class Pause:
    """Something that holds calls back; `opens_in` is in seconds, None where it is tried again at any moment."""

    what: str
    cause: str
    todo: str
    opens_in: float | None
    needs_person: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One channel. `oldest`, `next_post` and `limited_ago` are in seconds, None where there is nothing to tell."""

    name: str
    named_by: str
    waiting: int
    oldest: float | None
    next_post: float | None
    limited_ago: float | None
    pause: Pause | None


@pages.get("/channels")
def channels() -> Response:
    """Those of the configuration, and all in which something was posted."""
    relay = doors().relay
    config = relay.settings.config
    with doors().store.read() as tx:
        standing, gates, now = backlog(tx), gates_now(tx), tx.now
    others = [_pause(gate, now) for gate in gates if gate.scope is not GateScope.CHANNEL]
    rows = _rows(config, gates, standing, now)
    return page(
        "channels.html",
        live=True,
        pauses=others,
        rows=rows[:MOST],
        left_out=max(0, len(rows) - MOST),
        standing=standing,
        unmapped=(standing.by_channel or {}).get(None),
        delivery=config.delivery,
        channel_url=channel_url,
        now=now,
    )


def _rows(config: Config, gates: Sequence[Gate], standing: Backlog, now: float) -> list[Row]:
    mine = {gate.name: gate for gate in gates if gate.scope is GateScope.CHANNEL}
    lines = standing.by_channel or {}
    named = _named(config)
    names = {*mine, *named, *(name for name in lines if name is not None)}
    rows = [_row(name, named.get(name, ""), mine.get(name), lines.get(name), now) for name in names]
    return sorted(rows, key=lambda row: (row.pause is None, -row.waiting, row.name))


def _row(name: str, named_by: str, gate: Gate | None, line: InLine | None, now: float) -> Row:
    limited = None if gate is None or gate.refused_at is None else now - gate.refused_at
    ahead = 0.0 if gate is None else gate.next_slot - now
    return Row(
        name=name,
        named_by=named_by,
        waiting=line.count if line else 0,
        oldest=now - line.since if line else None,
        next_post=ahead if ahead > 0 else None,
        limited_ago=limited if limited is not None and 0 <= limited < CAUTIOUS else None,
        pause=_pause(gate, now) if gate is not None and (gate.until is not None or gate.needs_person) else None,
    )


def _pause(gate: Gate, now: float) -> Pause:
    opens_in = None if gate.until is None else max(0.0, gate.until - now)
    return Pause(name_of(gate), gate.cause, todo_of(gate), opens_in, gate.needs_person)


def _named(config: Config) -> Mapping[str, str]:
    """Each channel that the configuration names, and by what."""
    found: dict[str, list[str]] = {}
    for channel in config.channels.values():
        found.setdefault(channel, ["channels"])
    for route in config.routes:
        found.setdefault(route.channel, []).append(f"route {route.name}")
    for name, account in config.kommunicate.accounts.items():
        if account.default_channel:
            found.setdefault(account.default_channel, []).append(f"account {name}")
    for key, named in (("default_channel", config.default_channel), ("alerts", config.alerts.channel)):
        if named:
            found.setdefault(named, []).append(key)
    return {channel: ", ".join(by[:4]) + (" …" if len(by) > 4 else "") for channel, by in found.items()}
