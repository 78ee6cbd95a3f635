"""Raw body -> what a person did in Slack, or an `Ignored` with its reason; what is malformed is a `Rejected`.

https://docs.slack.dev/apis/events-api, https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

from relay.errors import Rejected
from relay.jsontext import NotJson, decode, loads
from relay.messages import AgentChange, AgentClick, AgentMessage, Ignored, Reading
from relay.slack.client import Identity
from relay.slack.events import AgentEdit, AgentWords, Challenge, Click, Foreign, Uninstalled, event_key, message_key
from relay.slack.fields import (
    MAX_VALUE,
    Fields,
    identifier,
    identifier_or_none,
    inner,
    label,
    moment,
    moment_or_none,
    needed,
    several,
    text,
)
from relay.slack.message_events import Us, read_message
from relay.slack.reading import Wording
from relay.slack.text import clean_line

OTHER_KIND = "of a kind that nothing is done about"
RATE_LIMITED = "Slack holds events back: more than 30,000 in an hour"
NOT_THE_BOTS = "a person's token was revoked, not the bot's"
FOREIGN = "of another workspace or app than the token's"
NO_MESSAGE = "not on a message"
NO_ACTION = "no control was used"
KEYS = {"token", "response_url", "response_urls", "trigger_id", "bot_access_token"}
MAX_FORM_FIELDS = 16  # Slack sends one

SlackEvent = AgentWords | AgentEdit | Uninstalled | Ignored


def parse_event(body: bytes, me: Identity | None = None) -> Challenge | SlackEvent:
    """Returns what a request to the events address says; raises `Rejected` 400 for what is no event.

    The event itself says which bot and app it was sent to; `me` adds what Slack has told us of them, and by that what
    was sent to others is known.
    """
    envelope = _object(_text(body))
    match needed(label(envelope, "type"), "type"):
        case "url_verification":
            return Challenge(identifier(envelope, "challenge"))
        case "event_callback" if me and _is_foreign(envelope, me):
            return Foreign(FOREIGN, identifier(envelope, "event_id"))
        case "event_callback":
            return _event(envelope, needed(inner(envelope, "event"), "event"), me)
        case "app_rate_limited":
            return Ignored(RATE_LIMITED)
    return Ignored(OTHER_KIND)


def parse_interaction(body: bytes, me: Identity | None = None) -> tuple[Click, ...] | Ignored:
    """Returns the clicks of a request to the interactions address, at least one; raises `Rejected` 400 for no form.

    All of them, because the payload holds a list, each has a key of its own, and which are ours depends on what the
    message showed. `me` is what Slack has told us of our app and workspace.
    """
    payload = _object(_form_payload(body))
    container = inner(payload, "container")
    if me and _is_of_another_app(payload, me):
        return Ignored(FOREIGN)
    kind = needed(label(payload, "type"), "type")
    if kind == "message_action":
        return (_shortcut(payload, me),)
    if kind != "block_actions":
        return Ignored(OTHER_KIND)
    if container.get("message_ts") is None:  # a modal or the Home tab
        return Ignored(NO_MESSAGE)
    clicks = tuple(_click(payload, container, action, me) for action in several(payload, "actions"))
    return clicks or Ignored(NO_ACTION)


def storable(body: bytes) -> bytes:
    """Returns a body that was read, without what one could call Slack with: tokens, and addresses for an answer."""
    try:
        value = _object(_text(body))
    except Rejected:
        payload = _object(_form_payload(body))
        return urlencode({"payload": _without_keys(payload)}).encode()
    return _without_keys(value).encode()


def _without_keys(value: Fields) -> str:
    """A message that was clicked, or the one a thread begins with, is ours, and its words may be withdrawn.

    Of one that a shortcut was used on, its author may think better.
    """
    kept = {name: each for name, each in value.items() if name not in KEYS}
    if isinstance(message := kept.get("message"), dict):
        kept["message"] = {name: message[name] for name in ("ts", "thread_ts") if name in message}
    if isinstance(event := kept.get("event"), dict):
        kept["event"] = {name: each for name, each in event.items() if name != "root"}
    return json.dumps(kept)


def agent_message(words: AgentWords, wording: Wording) -> AgentMessage:
    """Returns what the store needs to know of an agent's words."""
    return AgentMessage(
        key=event_key(words),
        client_key=words.client_msg_id and f"{words.team}/{words.client_msg_id}",
        channel=words.channel,
        thread_ts=words.thread_ts,
        ts=words.ts,
        reading=wording.read(words.blocks, words.text),
    )


def agent_change(edit: AgentEdit, wording: Wording) -> AgentChange:
    """Returns what the store needs to know of a change to an agent's words."""
    reading = Reading() if edit.deleted else wording.read(edit.blocks, edit.text)
    of = message_key(edit.team, edit.channel, edit.ts)
    return AgentChange(event_key(edit), of, edit.channel, edit.thread_ts, edit.edited_ts, reading, edit.deleted)


def agent_click(click: Click) -> AgentClick:
    """Returns what the store needs to know of a click."""
    return AgentClick(event_key(click), click.channel, click.message_ts, click.thread_ts, float(click.action_ts))


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
        return []  # no form, too many fields, or bytes that are no ASCII or stand for no UTF-8


def _event(envelope: Fields, event: Fields, me: Identity | None) -> SlackEvent:
    read = _READERS.get(needed(label(event, "type"), "event.type"))
    return read(event, _us(envelope, me)) if read else Ignored(OTHER_KIND)


def _us(envelope: Fields, me: Identity | None) -> Us:
    # Who authorized the app may also be a person: their words are not ours.
    bots = [each for each in several(envelope, "authorizations") if each.get("is_bot") is True]
    users = (*(text(bot, "user_id") for bot in bots), me.user_id if me else "")
    apps = (text(envelope, "api_app_id"), (me.app_id or "") if me else "")
    return Us(_home(envelope), tuple(filter(None, users)), tuple(filter(None, apps)))


def _home(envelope: Fields) -> str:
    """The workspace for whose installation an event is; `team_id` may be where its author comes from."""
    installed = [one for one in several(envelope, "authorizations") if one.get("is_enterprise_install") is not True]
    team, named = identifier(envelope, "team_id"), (identifier_or_none(one, "team_id") for one in installed)
    return next(filter(None, named), None) or identifier_or_none(envelope, "context_team_id") or team


def _uninstalled(event: Fields, us: Us) -> Uninstalled:
    return Uninstalled(us.team, text(event, "type"))


def _revoked(event: Fields, us: Us) -> Uninstalled | Ignored:
    lost = inner(event, "tokens")
    return Ignored(NOT_THE_BOTS) if lost.get("oauth") and not lost.get("bot") else _uninstalled(event, us)


_READERS: dict[str, Callable[[Fields, Us], SlackEvent]] = {
    "message": read_message,
    "app_uninstalled": _uninstalled,
    "tokens_revoked": _revoked,
}


def _is_foreign(envelope: Fields, me: Identity) -> bool:
    """True for an event of another workspace's installation, or of another app.

    What is installed for a whole organisation gets the events of all its workspaces.
    """
    everywhere = any(one.get("is_enterprise_install") is True for one in several(envelope, "authorizations"))
    return _is_of_another_app(envelope, me) or (not everywhere and _home(envelope) != me.team)


def _is_of_another_app(payload: Fields, me: Identity) -> bool:
    return bool(me.app_id) and text(payload, "api_app_id") not in ("", me.app_id)


def _click(payload: Fields, container: Fields, action: Fields, me: Identity | None) -> Click:
    message_ts = moment(container, "message_ts")
    thread_ts = moment_or_none(container, "thread_ts") or moment_or_none(inner(payload, "message"), "thread_ts")
    return Click(
        **_who(payload, me),
        channel=identifier_or_none(container, "channel_id") or identifier(inner(payload, "channel"), "id"),
        message_ts=message_ts,
        thread_ts=None if thread_ts == message_ts else thread_ts,
        action_id=needed(label(action, "action_id"), "action_id"),
        value=_chosen(action),
        action_ts=moment(action, "action_ts"),
        response_url=text(payload, "response_url") if container.get("is_ephemeral") is True else "",
    )


def _shortcut(payload: Fields, me: Identity | None) -> Click:
    """https://docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload"""
    message_ts, thread_ts = moment(payload, "message_ts"), moment_or_none(inner(payload, "message"), "thread_ts")
    return Click(
        **_who(payload, me),
        channel=identifier(inner(payload, "channel"), "id"),
        message_ts=message_ts,
        thread_ts=None if thread_ts == message_ts else thread_ts,
        action_id=needed(label(payload, "callback_id"), "callback_id"),
        value="",
        action_ts=moment(payload, "action_ts"),
    )


def _who(payload: Fields, me: Identity | None) -> dict[str, Any]:
    user = inner(payload, "user")
    team = identifier_or_none(inner(payload, "team"), "id") or identifier(user, "team_id")
    return {
        "team": team,
        "user_id": identifier(user, "id"),
        "user_name": clean_line(text(user, "name") or text(user, "username")),
        "comes_from_elsewhere": text(user, "team_id") not in ("", team) or _is_of_another_team(payload, team, me),
        "trigger_id": text(payload, "trigger_id"),
    }


def _is_of_another_team(payload: Fields, team: str, me: Identity | None) -> bool:
    return me is not None and team != me.team and payload.get("is_enterprise_install") is not True


def _chosen(action: Fields) -> str:
    option = inner(action, "selected_option")
    return label(action, "value", MAX_VALUE) or label(option, "value", MAX_VALUE) or label(action, "selected_user")
