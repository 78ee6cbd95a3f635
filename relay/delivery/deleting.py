"""Deletes the posts of erased conversations in Slack: one call at a time, within Slack's rate limit.

The list is in the store, and an entry stays until Slack has deleted it or says that it never will. So after a kill or
an outage, the next run continues. What is already gone is fine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import structlog

from relay.clock import monotonic
from relay.delivery.patience import write_patiently
from relay.errors import DeliveryFailed, HistoryUnreadable, OperatorNeeded, Permanent, RateLimited, ThreadGone
from relay.failpoints import failpoint
from relay.owners import owner_of
from relay.slack.client import SlackClient
from relay.store.db.engine import Store
from relay.store.operations.erased import Standing, mark_gone, mark_left, still_standing
from relay.vocabulary import GateScope, SendKind

PACE = 1.2  # seconds between calls of one method: Slack allows about fifty a minute, and the relay needs some of them
ARRIVES = 12.0  # seconds after its call in which a post may still appear in Slack
TRIES = (1.0, 5.0, 15.0, 60.0)  # seconds after each failed call; the next failure is the last
GUESS = 30.0  # seconds to wait at a rate limit if Slack does not say how long
DELETE_POST, DELETE_FILE, LOOK = "chat.delete", "files.delete", "conversations.history"

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(slots=True)
class Deleted:
    """The result: deleted posts and files, and what stays, as (channel, ts, why)."""

    posts: int = 0
    files: int = 0
    stays: list[tuple[str, str, str]] = field(default_factory=list)


class Deleter:
    """Works through the list. `wait` sleeps so many seconds; `step` is called after each entry."""

    def __init__(
        self,
        store: Store,
        slack: Mapping[str, SlackClient],
        wait: Callable[[float], object],
        step: Callable[[], object],
    ) -> None:
        """`slack` has each workspace's client, by name."""
        self._store, self._slack, self._wait, self._step = store, slack, wait, step
        self._next: dict[str, float] = defaultdict(
            float
        )  # when each method may be called again, on the monotonic clock
        self.deleted = Deleted()

    def delete_all(self) -> None:
        """Until nothing is left. Raises DeliveryFailed if Slack accepts nothing now: the rest stays on the list."""
        tried: set[str] = set()
        while True:
            with self._store.read() as tx:
                left, now = [one for one in still_standing(tx) if one.id not in tried], tx.now
            if not left:
                return
            for one in left:
                tried.add(one.id)
                self._delete(one, now)
                self._step()

    def _delete(self, one: Standing, now: float) -> None:
        posts, files = self.deleted.posts, self.deleted.files
        try:
            if one.is_to_look_for:
                self._wait(max(0.0, min(ARRIVES, one.started_at + ARRIVES - now)))
            self._take_away(one)
        except (Permanent, ThreadGone, HistoryUnreadable, OperatorNeeded) as error:
            if isinstance(error, OperatorNeeded) and error.scope is GateScope.WORKSPACE:
                raise
            self._leave(one, error)
            return
        failpoint("erase.deleted")
        write_patiently(self._store, "erase_post", partial(mark_gone, send_id=one.id))
        log.info("erased.in_slack", send=one.id, posts=self.deleted.posts - posts, files=self.deleted.files - files)

    def _leave(self, one: Standing, error: DeliveryFailed) -> None:
        """Slack will not, or a person must change something first: report it, so that it is deleted by hand."""
        log.warning("erased.stays_in_slack", channel=one.channel, ts=one.ts, code=error.code)
        self.deleted.stays.append((one.channel, one.ts or "", error.code or str(error)))
        if not isinstance(error, OperatorNeeded):
            write_patiently(self._store, "erase_post", partial(mark_left, send_id=one.id, why=error.code))

    def _at(self, channel: str) -> SlackClient:
        workspace = owner_of(channel)
        if workspace not in self._slack:
            said = f"the workspace {workspace} is not named in the configuration"
            raise OperatorNeeded(GateScope.CHANNEL, said, code="no_workspace")
        return self._slack[workspace]

    def _take_away(self, one: Standing) -> None:
        slack = self._at(one.channel)
        if one.kind is SendKind.SHARE:
            self._take_away_files(slack, one)
            return
        places = [one.ts] if one.ts else []
        if one.is_to_look_for:
            look = partial(slack.find_posted, one.channel, one.id, thread_ts=one.thread_ts, oldest=one.since_ts)
            found = self._patiently(LOOK, look)
            places += [post.ts for post in found if post.ts not in places]
        for ts in places:
            self._patiently(DELETE_POST, partial(slack.delete, one.channel, ts))
            self.deleted.posts += 1

    def _take_away_files(self, slack: SlackClient, one: Standing) -> None:
        """The file itself, and with it the message that shows it; if its id is no longer stored, the message has it."""
        ids = [one.file] if one.file else []
        if one.ts and not ids:
            ids = self._patiently(LOOK, partial(slack.files.ids_in, one.channel, one.ts, one.thread_ts or one.ts))
        for file_id in ids:
            self._patiently(DELETE_FILE, partial(slack.files.delete, file_id))
            self.deleted.files += 1
        if one.ts:
            self._patiently(DELETE_POST, partial(slack.delete, one.channel, one.ts))

    def _patiently(self, method: str, call: Callable[[], T]) -> T:
        """Paces its calls, and repeats one that Slack limits or does not answer: deleting twice does no harm."""
        failures = 0
        while True:
            self._wait(max(0.0, self._next[method] - monotonic()))
            self._next[method] = monotonic() + PACE
            try:
                return call()
            except RateLimited as error:
                self._wait(GUESS if error.retry_after is None else error.retry_after)
            except (Permanent, ThreadGone, HistoryUnreadable, OperatorNeeded):
                raise
            except DeliveryFailed as error:
                if failures == len(TRIES):
                    raise
                log.warning("erasing.again", method=method, code=error.code)
                self._wait(TRIES[failures])
                failures += 1
