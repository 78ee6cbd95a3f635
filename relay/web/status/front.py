"""What everybody may see: the front page, and the style and script of the page."""

from __future__ import annotations

from flask import Blueprint, Response, send_from_directory
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.wrappers import Response as AnyResponse

from relay.errors import StoreUnavailable
from relay.web.status.guard import doors, only_signed_in, protect
from relay.web.status.overview import overview
from relay.web.status.pages import away, refused, unforeseen
from relay.web.status.render import page

ASSETS = ("status.css", "status.js", "icon.svg")
FRESH = 300  # seconds for which a browser keeps one of them

front = Blueprint("front", __name__)
front.after_request(protect)
front.register_error_handler(HTTPException, refused)
front.register_error_handler(StoreUnavailable, away)
front.register_error_handler(Exception, unforeseen)


@front.get("/")
def home() -> AnyResponse:
    """The overview; where there is no password, what this is and nothing else."""
    if doors().sessions is None:
        return page("welcome.html")
    sent_away = only_signed_in()
    return overview() if sent_away is None else sent_away


@front.get("/page/<name>")
def asset(name: str) -> Response:
    """The page's own style and script."""
    if name not in ASSETS:
        raise NotFound
    return send_from_directory("static", name, max_age=FRESH)
