"""Templates filled in: what every page has, and how strangers' words come into it."""

from __future__ import annotations

from flask import Flask, Response, g, render_template, request

from relay import __version__
from relay.web.status import text
from relay.web.status.guard import FRAGMENT

SECTIONS = (
    ("/", "Overview"),
    ("/conversations", "Conversations"),
    ("/dead-letters", "Dead letters"),
    ("/channels", "Channels"),
    ("/try", "Try a message"),
    ("/settings", "Settings"),
)
EVERY = 5  # seconds between looks of a page that is live


def teach(app: Flask) -> None:
    """Give the templates their filters."""
    for filter_ in (
        text.seen,
        text.prose,
        text.line,
        text.age,
        text.took,
        text.number,
        text.moment,
        text.clock,
        text.iso,
    ):
        app.jinja_env.filters[filter_.__name__] = filter_
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def page(template: str, status: int = 200, *, live: bool = False, **values: object) -> Response:
    """A page, or where its own script asks only what changes of it. `live`: the script asks again and again."""
    session = g.get("session")
    common = {
        "sections": SECTIONS if session else (),
        "here": request.path,
        "form_token": session.form_token if session else "",
        "every": EVERY if live else 0,
        "version": __version__,
        "layout": "fragment.html" if FRAGMENT in request.headers else "layout.html",
    }
    html = render_template(template, **common, **values)
    return Response(html.encode("utf-8", "replace"), status, content_type="text/html; charset=utf-8")
