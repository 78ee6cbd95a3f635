"""What agents do in Slack besides writing and clicking, and what fails on purpose: for the page."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from relay.sandbox.guide import AT_ONCE, BREAK, KILL, customers_wrote
from relay.sandbox.inputs import BadInput, json_object, string
from relay.sandbox.sandbox import EVERYTHING, Sandbox
from relay.sandbox.slack.interactions import choose, open_home, submit, use_home, use_shortcut
from relay.sandbox.slack.sharing import human_deletes_file
from relay.sandbox.slack.typed import BROADCASTS


def add_gestures(routes: Blueprint, sandbox: Sandbox) -> None:
    """Shortcuts, changes to one's own messages, forms and the Home tab."""
    _of_messages(routes, sandbox)
    _of_views(routes, sandbox)


def _of_messages(routes: Blueprint, sandbox: Sandbox) -> None:
    @routes.post("/slack/shortcuts")
    def agent_uses_shortcut() -> Response:
        body = json_object()
        place = string(body, "channel"), string(body, "ts")
        return jsonify(
            {"trigger_id": use_shortcut(sandbox.slack, *place, string(body, "callback_id"), user=user_of(body))}
        )

    @routes.post("/slack/edits")
    def agent_edits() -> Response:
        """Edits a message, deletes it, or deletes one file of it."""
        body = json_object()
        place, text, file = (string(body, "channel"), string(body, "ts")), string(body, "text"), string(body, "file")
        if file:
            human_deletes_file(sandbox.slack, file, user=user_of(body))
        elif text:
            sandbox.slack.human_edits(*place, text, mentions=mentions_of(sandbox, body))
        else:
            sandbox.slack.human_deletes(*place)
        return jsonify({})


def _of_views(routes: Blueprint, sandbox: Sandbox) -> None:
    @routes.post("/slack/views")
    def agent_uses_view() -> Response:
        """Chooses from a menu in a form, submits it, or closes it."""
        body, user = json_object(), user_of(json_object())
        view, action = string(body, "view_id"), string(body, "action_id")
        if action:
            choose(sandbox.slack, view, action, string(body, "value"), user=user)
        elif "words" in body:
            submit(sandbox.slack, view, {"words": string(body, "words")}, user=user)
        else:
            sandbox.slack.open_view(view, user)["closed"] = True
            sandbox.core.touch()
        return jsonify({})

    @routes.post("/slack/home")
    def agent_looks_at_home() -> Response:
        body, user = json_object(), user_of(json_object())
        action = string(body, "action_id")
        if action:
            use_home(sandbox.slack, action, string(body, "value"), user=user)
        else:
            open_home(sandbox.slack, user=user)
        return jsonify({})


def add_trouble(routes: Blueprint, sandbox: Sandbox) -> None:
    """Routes for what fails on purpose."""

    @routes.post("/break/<vendor>")
    def break_vendor(vendor: str) -> Response:
        """Slack or Kommunicate fails at every call, or works again."""
        if vendor not in EVERYTHING:
            raise BadInput("only slack and kommunicate can be broken")
        if vendor in sandbox.broken:
            sandbox.faults.remove(EVERYTHING[vendor])
            if vendor == "slack" and customers_wrote(sandbox, sandbox.broken_since.pop(vendor, sandbox.core.now())):
                sandbox.tried.add(BREAK)
        else:
            sandbox.broken_since[vendor] = sandbox.core.now()
            sandbox.faults.add(EVERYTHING[vendor], "status", status=503, times=None)
        sandbox.core.touch()
        return jsonify({})

    @routes.post("/kill")
    def kill() -> Response:
        """Kills the relay, if `kill_relay` is set."""
        if sandbox.kill_relay is None:
            raise BadInput("there is no relay here that could be killed")
        sandbox.kill_relay()
        sandbox.kills += 1
        if customers_wrote(sandbox, sandbox.core.now() - AT_ONCE):
            sandbox.tried.add(KILL)
        sandbox.core.touch()
        return jsonify({})


def user_of(body: dict[str, Any]) -> str:
    """Who does it; Alex by default."""
    return string(body, "user") or "U0ALEX"


def mentions_of(sandbox: Sandbox, body: dict[str, Any]) -> dict[str, str]:
    """What was chosen from the composer's list, as text and id, such as `{"@Sam Okafor": "U0SAM"}`."""
    given = body.get("mentions") or {}
    known = {*sandbox.slack.users, *sandbox.slack.channels, *BROADCASTS}
    if not isinstance(given, dict) or not all(label and one in known for label, one in given.items()):
        raise BadInput("mentions must be an object of labels and known ids")
    return given
