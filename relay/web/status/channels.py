"""Each channel: its pace, what waits for it, and what holds it back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Response

from relay.owners import is_named
from relay.settings import Config
from relay.store.operations.backlog import Gate, InLine, backlog, gates_now
from relay.store.operations.channel_names import ids_of_names
from relay.store.queue.gates import CAUTIOUS
from relay.vocabulary import GateScope
from relay.web.status.conversations import channel_url
from relay.web.status.gates import name_of, todo_of
from relay.web.status.guard import doors
from relay.web.status.pages import pages
from relay.web.status.render import page

MOST, MOST_NAMED = 500, 4  # channels on the page, and what names one of them


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
    """One channel. `oldest`, `next_post` and `limited_ago` are in seconds, None where there is nothing to tell.

    `name` is what the configuration calls it, `id` what Slack does; the same where only one of them is known.
    """

    name: str
    id: str
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
        mine = {gate.name: gate for gate in gates if gate.scope is GateScope.CHANNEL}
        named, lines = _named(config), {name: line for name, line in (standing.by_channel or {}).items() if name}
        known = ids_of_names(tx, {name for name in (*named, *lines, *mine) if is_named(name)})
    others = [_pause(gate, now) for gate in gates if gate.scope is not GateScope.CHANNEL]
    # No chat knows a channel by its name that only alerts or moves use; Slack was asked for it.
    rows = _rows(named, mine, lines, {**relay.channel_ids, **known}, now)
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


def _rows(
    named: Mapping[str, Sequence[str]],
    gates: Mapping[str, Gate],
    lines: Mapping[str, InLine],
    ids: Mapping[str, str],
    now: float,
) -> list[Row]:
    """A row for each channel, whether it is known by its name, its id or both."""
    known_as: dict[str, list[str]] = defaultdict(list)
    for name in sorted({*named, *gates, *lines}):
        known_as[ids.get(name, name)].append(name)
    rows = [
        _row(
            channel_id,
            {name: named[name] for name in names if name in named},
            [gates[name] for name in names if name in gates],
            [lines[name] for name in names if name in lines],
            now,
        )
        for channel_id, names in known_as.items()
    ]
    return sorted(rows, key=lambda row: (row.pause is None, -row.waiting, row.name))


def _row(
    channel_id: str, named: Mapping[str, Sequence[str]], gates: Sequence[Gate], lines: Sequence[InLine], now: float
) -> Row:
    by = list(dict.fromkeys(each for names in named.values() for each in names))
    limits = [now - gate.refused_at for gate in gates if gate.refused_at is not None]
    limited = min((ago for ago in limits if 0 <= ago < CAUTIOUS), default=None)
    ahead = max((gate.next_slot - now for gate in gates), default=0.0)
    shut = [gate for gate in gates if gate.until is not None or gate.needs_person]
    return Row(
        name=next(filter(is_named, named), channel_id),
        id=channel_id,
        named_by=", ".join(by[:MOST_NAMED]) + (" …" if len(by) > MOST_NAMED else ""),
        waiting=sum(line.count for line in lines),
        oldest=max((now - line.since for line in lines), default=None),
        next_post=ahead if ahead > 0 else None,
        limited_ago=limited,
        pause=_pause(max(shut, key=lambda gate: gate.needs_person), now) if shut else None,
    )


def _pause(gate: Gate, now: float) -> Pause:
    opens_in = None if gate.until is None else max(0.0, gate.until - now)
    return Pause(name_of(gate), gate.cause, todo_of(gate), opens_in, gate.needs_person)


def _named(config: Config) -> Mapping[str, Sequence[str]]:
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
    return found
