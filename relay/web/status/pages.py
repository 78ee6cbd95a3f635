"""The pages behind the password, all of them under the same guard."""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from relay.errors import StoreUnavailable
from relay.store.db.causes import TOO_BUSY
from relay.web.errors import RETRY_AFTER, UNFORESEEN, log_unforeseen
from relay.web.status.guard import only_signed_in, protect
from relay.web.status.render import page

AWAY = "The database cannot be reached, or cannot commit. Webhooks are answered 503 meanwhile, and nothing is lost."
BUSY = "The page waits for the database, as do others who look at it: it has one connection. Try again in a moment."

log = structlog.get_logger()
pages = Blueprint("pages", __name__)
pages.before_request(only_signed_in)
pages.after_request(protect)


@pages.errorhandler(HTTPException)
def refused(error: HTTPException) -> Response:
    """What is wrong, as a page."""
    return page("trouble.html", error.code or 500, said=error.description or error.name)


@pages.errorhandler(StoreUnavailable)
def away(error: StoreUnavailable) -> Response:
    """The database does not answer."""
    is_busy = error.code == TOO_BUSY.code
    if is_busy:  # by whoever looks at it: nobody needs to be woken
        log.info("page.busy", path=request.path)
    else:
        log.error("store.unavailable", code=error.code, cause=str(error), hint=error.hint)
    said = BUSY if is_busy else AWAY
    response = page("trouble.html", 503, live=request.method == "GET", said=said, why=str(error), todo=error.hint)
    response.headers["Retry-After"] = RETRY_AFTER
    return response


@pages.errorhandler(Exception)
def unforeseen(error: Exception) -> Response:
    """The same in words that quote nothing of anybody's."""
    log_unforeseen(error)
    return page("trouble.html", 500, said=UNFORESEEN)


def id_in(text: str | None) -> int | None:
    """A number of ours out of an address; None for anything else."""
    return int(text) if text and len(text) <= 18 and text.isascii() and text.isdigit() else None
