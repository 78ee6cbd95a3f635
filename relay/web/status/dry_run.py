"""A box to try a webhook's body in: where it would go, why, and what Slack would get. Nothing is posted or stored."""

from __future__ import annotations

import json
from threading import Lock

from flask import Response, request

from relay.errors import Rejected
from relay.owners import ACCOUNT
from relay.store.operations.bodies import StoredBody
from relay.web.status.guard import doors
from relay.web.status.pages import pages
from relay.web.status.render import page
from relay.wiring.dry_run import Routed, dry_run, read_message

EXAMPLE = {
    "key": "5-try-1",
    "from": "customer-1",
    "groupId": 123456,
    "groupName": "Jane Doe",
    "message": "Hello, my order has not arrived.",
    "timeStamp": 1_736_942_400_000,
    "metadata": {"plan": "enterprise"},
}
_one_at_a_time = Lock()  # each makes a database of its own for a moment


@pages.get("/try")
def empty_box() -> Response:
    """The box with an example."""
    return page("try.html", body=json.dumps(EXAMPLE, indent=2), routed=None, refused="", posts=())


@pages.post("/try")
def tried() -> Response:
    """What becomes of the body that was typed."""
    body = request.form.get("body", "")
    try:
        routed: Routed | None = _routed(body)
        refused = ""
    except Rejected as error:
        routed, refused = None, str(error)
    posts = [json.dumps(post, indent=2, ensure_ascii=False) for post in routed.posts] if routed else []
    return page("try.html", body=body, routed=routed, refused=refused, posts=posts)


def _routed(body: str) -> Routed:
    relay = doors().relay
    stored = StoredBody(0, ACCOUNT, relay.clock.now(), body.encode("utf-8", "replace"))
    message = read_message(stored)
    with _one_at_a_time:
        return dry_run(relay.settings, message, stored)
