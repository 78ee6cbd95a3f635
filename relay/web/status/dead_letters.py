"""What was given up: why, and sending it again."""

from __future__ import annotations

from enum import StrEnum

import structlog
from flask import Response, redirect, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from relay.store.operations.replay import Replayed, replay_in_steps, replay_one
from relay.store.operations.timeline import dead_letters
from relay.web.status.guard import doors, own_path
from relay.web.status.pages import id_in, pages
from relay.web.status.render import page
from relay.web.status.text import number
from relay.web.status.words import Reader

HERE = "/dead-letters"
PER_PAGE = 50
MOST_AT_ONCE = 5000  # dead letters that one click sends again

log = structlog.get_logger()


class Told(StrEnum):
    """What came of a click, in the address of the page that says so."""

    QUEUED = "queued"
    TWICE = "twice"
    PRUNED = "pruned"
    UNKNOWN = "unknown"
    ELSEWHERE = "elsewhere"
    ALL = "all"


IN_DOUBT = "Kommunicate did not answer an earlier try, so the customer may get it twice."
NOTHING_QUEUED = "Nothing was queued. Replies are sent again one by one."
SENTENCES = {
    Told.QUEUED: "Queued again. It keeps its key, so it cannot be shown twice.",
    Told.TWICE: f"Queued again. {IN_DOUBT}",
    Told.PRUNED: "Its content is no longer stored, so it cannot be sent again.",
    Told.UNKNOWN: "There is no such delivery.",
    Told.ELSEWHERE: "It is no dead letter any more: somebody else has sent it again, or it has gone through.",
}
_TOLD: dict[StrEnum, Told] = {
    Replayed.QUEUED: Told.QUEUED,
    Replayed.MAY_REPEAT: Told.TWICE,
    Replayed.PRUNED: Told.PRUNED,
    Replayed.UNKNOWN: Told.UNKNOWN,
}


@pages.get("/dead-letters")
def dead() -> Response:
    """The newest first."""
    relay, before = doors().relay, id_in(request.args.get("before"))
    reader = Reader(relay)
    with doors().store.read() as tx:
        found = dead_letters(tx, before, PER_PAGE + 1)
        now = tx.now
    shown = found[:PER_PAGE]
    return page(
        "dead_letters.html",
        live=before is None,
        letters=shown,
        more=shown[-1].id if len(found) > PER_PAGE else None,
        before=before,
        said=what_came_of_it(),
        clean=reader.clean,
        now=now,
    )


@pages.post("/dead-letters/<delivery>/replay")
def replay(delivery: str) -> AnyResponse:
    """Send one again."""
    delivery_id = id_in(delivery)
    if delivery_id is None:
        raise NotFound(SENTENCES[Told.UNKNOWN])
    relay = doors().relay
    with doors().store.begin() as tx:
        found = replay_one(tx, delivery_id)
    told = _TOLD.get(found, Told.ELSEWHERE)
    if told in (Told.QUEUED, Told.TWICE):
        log.info("delivery.replayed", delivery=delivery_id)
        relay.on_accept()
    back = own_path(request.form.get("back", "")).partition("?")[0]
    return redirect(f"{HERE if back == '/' else back}?told={told}", 303)


@pages.post("/dead-letters/replay-all")
def replay_every() -> AnyResponse:
    """Send all for Slack again, some at a time so that nobody else waits long for the database."""
    relay, count = doors().relay, replay_in_steps(doors().store, most=MOST_AT_ONCE)
    log.info("delivery.replayed_all", count=count)
    relay.on_accept()
    return redirect(f"{HERE}?told={Told.ALL}&n={count}", 303)


def what_came_of_it() -> str:
    """What is to be said of the click that led to this page, "" for nothing."""
    told, count = request.args.get("told", ""), id_in(request.args.get("n"))
    if told == Told.ALL and count is not None:
        if not count:
            return NOTHING_QUEUED
        rest = " Press again for the rest." if count >= MOST_AT_ONCE else ""
        return f"{number(count)} queued again.{rest}"
    return SENTENCES[Told(told)] if told in set(SENTENCES) else ""
