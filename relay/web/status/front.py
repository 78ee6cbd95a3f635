"""What everybody may see: the front page, and the style and script of the page."""

from __future__ import annotations

from flask import Blueprint, Response, send_from_directory
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from relay.errors import StoreUnavailable
from relay.web.status import pages
from relay.web.status.guard import doors, only_signed_in, protect
from relay.web.status.overview import overview
from relay.web.status.render import page

ASSETS = ("status.css", "status.js", "icon.svg")
FRESH = 300  # seconds for which a browser keeps one of them

front = Blueprint("front", __name__)
front.after_request(protect)
front.register_error_handler(StoreUnavailable, pages.away)


@front.get("/")
def home() -> AnyResponse:
    """The overview; where there is no password, what this is and nothing else."""
    if doors().sessions is None:
        return page("welcome.html")
    refused = only_signed_in()
    return overview() if refused is None else refused


@front.get("/page/<name>")
def asset(name: str) -> Response:
    """The page's own style and script."""
    if name not in ASSETS:
        raise NotFound
    return send_from_directory("static", name, max_age=FRESH)
