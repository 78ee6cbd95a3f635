"""The store or a vendor is away for a while: nothing is forgotten meanwhile, and everything goes on at once after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from relay.delivery import context as module
from relay.errors import StoreUnavailable
from relay.store.db.engine import Store
from tests.delivery.rig import Rig
from tests.harness import timeline
from tests.replies.conftest import make_desk
from tests.replies.desk import Desk
from tests.sampling import sampled
from tests.store.shelf import rows

__all__ = ["make_desk"]

SEND = "/rest/ws/message/v2/send"
HOUR = 3600.0
COMMITS = range(1, 17)


@contextmanager
def commits(store: Store, spoil: Callable[[Callable[[], None]], None]) -> Iterator[None]:
    """Whatever is committed meanwhile, `spoil` commits, or not."""
    dialect = store.engine.dialect
    commit = dialect.do_commit
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dialect, "do_commit", lambda connection: spoil(lambda: commit(connection)))
        yield


def away(store: Store) -> Exception:
    """What the driver says."""
    error: Exception = store.engine.dialect.dbapi.OperationalError("scripted: away")  # type: ignore[union-attr]
    return error


class Spoiler:
    """Spoils the n-th commit and those right after it, `times` in all; `done`: they succeed, and nobody hears of it."""

    def __init__(self, store: Store, number: int, *, times: int, done: bool) -> None:
        self.store, self.left, self.times, self.done, self.spoilt = store, number, times, done, 0

    def __call__(self, commit: Callable[[], None]) -> None:
        self.left -= 1
        if self.left > 0 or self.spoilt >= self.times:
            commit()
            return
        self.spoilt += 1
        if self.done:
            commit()
        raise away(self.store)


def work(desk: Rig, seconds: float) -> None:
    """What a worker does whose store may be away."""
    until = desk.clock.now() + seconds
    while desk.clock.now() < until:
        try:
            desk.run(until - desk.clock.now())
        except StoreUnavailable:
            desk.clock.advance(0.1)


@pytest.mark.parametrize("done", [True, False], ids=["committed all the same", "not committed"])
@pytest.mark.parametrize("number", COMMITS)
def test_whichever_commit_is_not_confirmed_nothing_is_lost_or_doubled(
    make_desk: Callable[..., Desk], number: int, done: bool
) -> None:
    """A message, its card, a reply and its mark, in the process that goes on; nothing waits for the end of a lease."""
    desk = make_desk(replies={"undo_seconds": 0}, broadcast="never")
    desk.customer("m1")
    desk.says("one")
    desk.sandbox.kommunicate.customer_writes("123456", "m2", name="Jane")
    desk.carry()
    spoiler = Spoiler(desk.store, number, times=2, done=done)
    with commits(desk.store, spoiler):
        work(desk, desk.out.lease / 2)
    assert spoiler.spoilt, "there were fewer commits"
    assert (desk.told(), desk.reached(), desk.waiting()) == (["m1", "m2"], ["one"], [])
    assert desk.marks() == {"one": ["sent"]}
    assert not any(one.deleted for one in desk.sandbox.slack.messages)
    assert len(desk.roots()) == 1


def test_what_a_call_came_to_is_written_down_when_the_store_is_back(make_desk: Callable[..., Desk]) -> None:
    """Kommunicate had answered with a key: no agent reads that it may not have arrived."""
    desk = make_desk()
    desk.customer("m1")
    desk.says("one")
    refused = []

    def spoil(commit: Callable[[], None]) -> None:
        if any(call["method"] == SEND for call in desk.sandbox.calls) and len(refused) < 5:
            refused.append(1)
            raise away(desk.store)
        commit()

    with commits(desk.store, spoil):
        desk.run(20)
    desk.carry()
    desk.run(60)
    assert (len(refused), desk.reached(), desk.marks()) == (5, ["one"], {"one": ["sent"]})
    assert len(desk.shown()) == 2  # the customer's words and the agent's own: no line says that something is unsure


def test_it_is_not_kept_for_ever(rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that stays away for long: whoever takes the lane next looks for the post."""
    monkeypatch.setattr(module, "REMEMBERED", 0.2)
    line = rig()
    line.write("m1")
    line.run(20)
    line.write("m2")
    posts = len(line.times())

    def spoil(commit: Callable[[], None]) -> None:
        if len(line.times()) > posts:
            raise away(line.store)
        commit()

    with commits(line.store, spoil):
        line.worker.run_once()
    line.run(line.out.lease + 20)
    assert (line.told(), line.waiting(), len(line.times())) == (["m1", "m2"], [], posts + 1)


OUTAGES: dict[str, dict[str, Any]] = {
    "it says so": {"kind": "error", "code": "service_unavailable"},
    "a proxy's page": {"kind": "html"},
    "resets": {"kind": "reset_before"},
}


@pytest.mark.parametrize("rule", sampled(OUTAGES.values(), OUTAGES["it says so"]), ids=OUTAGES)
def test_an_outage_longer_than_anybody_is_tried_for_buries_nothing_and_ends_within_a_minute(
    rig: Callable[..., Rig], rule: dict[str, Any]
) -> None:
    """Something probes meanwhile, at most once a minute in the end; no conversation waits out a schedule of its own."""
    line = rig(channels={str(number): f"C0O{number}" for number in range(3)}, delivery={"give_up_after": "10m"})
    for number in range(3):
        line.sandbox.slack.add_channel(f"C0O{number}", f"o-{number}")
        line.write(f"m{number}0", group=str(number))
    line.run(30)
    line.fault(method="*", times=None, **rule)
    for number in range(3):
        line.write(f"m{number}1", group=str(number))
    before = len(line.sandbox.calls)
    line.run(3 * HOUR)
    assert (len(line.dead()), len(line.waiting())) == (0, 3)
    assert len(line.sandbox.calls) - before < 4 * 3 * 60
    line.sandbox.faults.clear()
    line.run(61)
    assert (sorted(line.told()), line.waiting()) == (["m00", "m01", "m10", "m11", "m20", "m21"], [])
    assert not any(one["edited"] for one in timeline(line.server) if one["thread_ts"])


def test_what_is_given_up_was_tried_once_more_at_the_very_end(rig: Callable[..., Rig]) -> None:
    """Slack works, and does not take this message for as long as it is tried."""
    line = rig(delivery={"give_up_after": "10m"})
    line.write("m1")
    line.run(30)
    line.fault("error", times=None, code="request_timeout")
    line.write("m2")
    begun = line.clock.now()
    line.run(HOUR)
    given_up = rows(line.store, "deliveries", state="dead")[0].settled_at
    assert given_up - begun == pytest.approx(600, abs=1)
    assert min(abs(at - given_up) for at in line.times()) < 1
