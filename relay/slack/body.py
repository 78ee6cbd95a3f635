"""The body of a request from Slack: a JSON object, or a form that contains one; and what of it may be stored."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlencode

from relay.errors import Rejected
from relay.jsontext import NotJson, decode, loads
from relay.slack.fields import Fields, text

KEYS = {"token", "response_url", "response_urls", "trigger_id", "bot_access_token"}
ELSEWHERE, WORKSPACE = "relay_from_elsewhere", "relay_workspace"  # ours, in what is stored
# Bytes. An edit of the longest message holds it four times, each character of it written as \uXXXX: 960,000.
MAX_BODY = 1024 * 1024
MAX_FORM_FIELDS = 32  # Slack sends one, and about a dozen with a command


def json_body(body: bytes) -> Fields:
    """Returns the object in a body that is JSON; raises `Rejected` 400."""
    return _object(_text(body))


def form_body(body: bytes) -> Fields:
    """Returns the object in a body that is a form; raises `Rejected` 400."""
    return _object(_form_payload(body))


def command_body(body: bytes) -> Fields:
    """Returns the fields of a slash command; an empty object if the body is not one."""
    fields = dict(_form(body))
    return fields if "command" in fields and "payload" not in fields else {}


def came_to(workspace: str | None, read: Fields) -> Fields:
    """Returns the object read from a request to this workspace's app, or from a stored body, which names its workspace.

    A request's own claim about that is not trusted.
    """
    return read if workspace is None else {**read, WORKSPACE: workspace}


def workspace_in(read: Fields) -> str:
    """Returns the workspace whose app received it; "" for the first one."""
    return text(read, WORKSPACE)


def storable(body: bytes, *, workspace: str = "", from_elsewhere: bool = False) -> bytes:
    """Returns a parsed body without anything that grants access to Slack: tokens, and response URLs.

    `from_elsewhere`: the person belongs to a workspace other than the app's. Only the endpoint knows both.
    """
    ours = {**({WORKSPACE: workspace} if workspace else {}), **({ELSEWHERE: True} if from_elsewhere else {})}
    try:
        value = json_body(body)
    except Rejected:
        return urlencode({"payload": _without_keys({**_without_ours(form_body(body)), **ours})}).encode()
    return _without_keys({**_without_ours(value), **ours}).encode()


def _without_ours(value: Fields) -> Fields:
    return {name: each for name, each in value.items() if name not in (ELSEWHERE, WORKSPACE)}


def _without_keys(value: Fields) -> str:
    """A clicked message, or a thread's first one, is ours, and its text may be withdrawn.

    The author of a message that a shortcut was used on may change their mind too.
    """
    kept = {name: each for name, each in value.items() if name not in KEYS}
    if isinstance(message := kept.get("message"), dict):
        kept["message"] = {name: message[name] for name in ("ts", "thread_ts") if name in message}
    if kept.get("type") == "block_actions":  # the Home tab shows other chats
        kept.pop("view", None)
        kept |= {"at_home": True} if value.get("view") else {}
    if isinstance(event := kept.get("event"), dict):
        kept["event"] = {name: each for name, each in event.items() if name != "root"}
    return json.dumps(kept)


def _text(body: bytes) -> str:
    try:
        return decode(body)
    except NotJson as error:
        raise Rejected(400, "bad_json", f"The body cannot be read: {error}.") from None


def _object(written: str) -> Fields:
    try:
        value = loads(written)
    except NotJson as error:
        raise Rejected(400, "bad_json", f"The body cannot be read: {error}.") from None
    if not isinstance(value, dict):
        raise Rejected(400, "bad_json", "The body must be a JSON object.")
    return value


def _form_payload(body: bytes) -> str:
    payloads = [value for name, value in _form(body) if name == "payload"]
    if len(payloads) != 1:
        raise Rejected(400, "bad_form", "The body must be a form with one field payload.")
    return payloads[0]


def _form(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode("ascii"), strict_parsing=True, errors="strict", max_num_fields=MAX_FORM_FIELDS)
    except ValueError:
        return []  # not a form, too many fields, or bytes that are not ASCII or not UTF-8
