"""Raw body -> what a person did with our controls and forms, or an `Ignored`; anything malformed is a `Rejected`.

https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from relay.messages import AgentClick, AgentForm, Ignored
from relay.owners import owned, owner_of
from relay.slack.body import ELSEWHERE, came_to, command_body, form_body, workspace_in
from relay.slack.card import LABELS, acted_upon
from relay.slack.events import HOME, AsksForChats, Click, FormChoice, FormWords, LooksAtHome, event_key
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
from relay.slack.forms import CHOOSE, SAVED_REPLIES, TELL_CUSTOMER, place_of, written
from relay.slack.home import PAGE
from relay.slack.identity import Identity
from relay.slack.parse import FOREIGN, OTHER_KIND, is_of_another_app
from relay.slack.text import clean_line
from relay.slack.thread_notices import SEND_AGAIN

NO_MESSAGE = "not on a message"
NOT_OUR_FORM = "not in a form of ours"
NO_ACTION = "no control was used"


Interaction = tuple[Click, ...] | FormWords | FormChoice | LooksAtHome | AsksForChats | Ignored


def parse_interaction(body: bytes, me: Identity | None = None, *, workspace: str | None = None) -> Interaction:
    """Returns what a request to the interactions address says: clicks, at least one, or what was done in a form.

    Raises `Rejected` 400 for a missing form field. Returns all clicks, because the payload contains a list, each has
    its own key, and which ones are ours depends on what the message showed. `me` is what Slack told us about our app
    and workspace, `workspace` the one whose app received it, None for a stored body, which says so itself.
    """
    payload = came_to(workspace, command_body(body) or form_body(body))
    if me and is_of_another_app(payload, me):
        return Ignored(FOREIGN)
    if "command" in payload:
        return _command(payload, me)
    read = _READERS.get(needed(label(payload, "type"), "type"))
    return read(payload, me) if read else Ignored(OTHER_KIND)


def agent_click(click: Click, about: int | None = None) -> AgentClick:
    """Returns what the store needs to know about a click, which may name the delivery it is `about`."""
    on_card = click.thread_ts is None and acted_upon(click.action_id, click.value) in LABELS
    at = float(click.action_ts)
    return AgentClick(event_key(click), click.channel, click.message_ts, click.thread_ts, at, about, on_card)


def agent_form(form: FormWords) -> AgentForm:
    """Returns what the store needs to know about a submitted form."""
    return AgentForm(event_key(form), form.place.channel, form.place.thread_ts, form.place.about, form.user_name)


def _block_actions(payload: Fields, me: Identity | None) -> Interaction:
    view, container = inner(payload, "view"), inner(payload, "container")
    if view.get("type") == "home" or payload.get("at_home") is True:
        return _at_home(payload, me)
    if view:
        return _form_choice(payload)
    if container.get("message_ts") is None:
        return Ignored(NO_MESSAGE)
    if container.get("is_ephemeral") is True and (in_list := _in_list(payload, me)) is not None:
        return in_list
    clicks = tuple(_click(payload, container, action, me) for action in several(payload, "actions"))
    return clicks or Ignored(NO_ACTION)


def _in_list(payload: Fields, me: Identity | None) -> tuple[Click, ...] | AsksForChats | None:
    """What was done in the answer to `/chats`; None for another message that one person alone sees."""
    who, action = _who(payload, me), next(iter(several(payload, "actions")), {})
    if (page := _page(payload)) is not None:
        here = (who["comes_from_elsewhere"], workspace_in(payload))
        return AsksForChats(who["team"], who["user_id"], text(payload, "response_url"), *here, turned_to=page)
    return _retried(payload, who, action) if label(action, "action_id") == SEND_AGAIN else None


def _click(payload: Fields, container: Fields, action: Fields, me: Identity | None) -> Click:
    message_ts = moment(container, "message_ts")
    thread_ts = moment_or_none(container, "thread_ts") or moment_or_none(inner(payload, "message"), "thread_ts")
    return Click(
        **_who(payload, me),
        channel=_channel(payload, container),
        message_ts=message_ts,
        thread_ts=None if thread_ts == message_ts else thread_ts,
        action_id=needed(label(action, "action_id"), "action_id"),
        value=_chosen(action),
        action_ts=moment(action, "action_ts"),
        block_id=label(action, "block_id", MAX_VALUE),
        is_private=container.get("is_ephemeral") is True,
        response_url=text(payload, "response_url"),
    )


def _shortcut(payload: Fields, me: Identity | None) -> tuple[Click, ...]:
    """https://docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload"""
    message_ts, thread_ts = moment(payload, "message_ts"), moment_or_none(inner(payload, "message"), "thread_ts")
    click = Click(
        **_who(payload, me),
        channel=_channel(payload, {}),
        message_ts=message_ts,
        thread_ts=None if thread_ts == message_ts else thread_ts,
        action_id=needed(label(payload, "callback_id"), "callback_id"),
        value="",
        action_ts=moment(payload, "action_ts"),
        response_url=text(payload, "response_url"),
    )
    return (click,)


def _form_words(payload: Fields, me: Identity | None) -> FormWords | Ignored:
    """https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload"""
    view, who = inner(payload, "view"), _who(payload, me)
    place = place_of(text(view, "private_metadata"))
    here = place is not None and owner_of(place.channel) == workspace_in(payload)
    if place is None or not here or label(view, "callback_id") not in (TELL_CUSTOMER, SAVED_REPLIES):
        return Ignored(NOT_OUR_FORM)
    said, field = written(inner(inner(view, "state"), "values"))
    del who["trigger_id"]
    return FormWords(**who, view_id=identifier(view, "id"), place=place, text=said, field=field)


def _at_home(payload: Fields, me: Identity | None) -> tuple[Click, ...] | LooksAtHome | Ignored:
    """What was done on the Home tab, which has no message: a page turned, or a reply retried."""
    who, action = _who(payload, me), next(iter(several(payload, "actions")), {})
    if (page := _page(payload)) is not None:
        here = (who["comes_from_elsewhere"], workspace_in(payload))
        return LooksAtHome(who["team"], who["user_id"], page, *here)
    return _retried(payload, who, action) if label(action, "action_id") == SEND_AGAIN else Ignored(NO_ACTION)


def _retried(payload: Fields, who: dict[str, Any], action: Fields) -> tuple[Click, ...]:
    """A reply is to be sent again, by a list of chats, wherever that is shown."""
    at = moment(action, "action_ts")
    click = Click(
        **who,
        channel=owned(workspace_in(payload), HOME),
        message_ts=at,
        thread_ts=None,
        action_id=SEND_AGAIN,
        value=_chosen(action),
        action_ts=at,
        block_id=label(action, "block_id", MAX_VALUE),
        is_private=inner(payload, "container").get("is_ephemeral") is True,
        response_url=text(payload, "response_url"),
    )
    return (click,)


def _page(payload: Fields) -> int | None:
    """The number of chats before the page that was turned to; None if none was."""
    action = next(iter(several(payload, "actions")), {})
    name, value = label(action, "action_id"), _chosen(action)
    return int(value[:6]) if name.startswith(PAGE) and value.isdecimal() else None


def _command(fields: Fields, me: Identity | None) -> AsksForChats:
    """https://docs.slack.dev/interactivity/implementing-slash-commands"""
    team, user = identifier(fields, "team_id"), identifier(fields, "user_id")
    elsewhere, here = _is_of_another_team(fields, team, me), workspace_in(fields)
    return AsksForChats(team, user, text(fields, "response_url"), elsewhere, here)


def _form_choice(payload: Fields) -> FormChoice | Ignored:
    view, action = inner(payload, "view"), next(iter(several(payload, "actions")), {})
    place = place_of(text(view, "private_metadata"))
    if place is None or label(view, "callback_id") != SAVED_REPLIES or label(action, "action_id") != CHOOSE:
        return Ignored(NOT_OUR_FORM)
    return FormChoice(identifier(view, "id"), replace(place, saved=_chosen(action)))


def _channel(payload: Fields, container: Fields) -> str:
    found = identifier_or_none(container, "channel_id") or identifier(inner(payload, "channel"), "id")
    return owned(workspace_in(payload), found)


def _who(payload: Fields, me: Identity | None) -> dict[str, Any]:
    user = inner(payload, "user")
    team = identifier_or_none(inner(payload, "team"), "id") or identifier(user, "team_id")
    return {
        "team": team,
        "user_id": identifier(user, "id"),
        "user_name": clean_line(text(user, "name") or text(user, "username")),
        "comes_from_elsewhere": payload.get(ELSEWHERE) is True
        or text(user, "team_id") not in ("", team)
        or _is_of_another_team(payload, team, me),
        "trigger_id": text(payload, "trigger_id"),
    }


def _is_of_another_team(payload: Fields, team: str, me: Identity | None) -> bool:
    return me is not None and team != me.team and payload.get("is_enterprise_install") is not True


def _chosen(action: Fields) -> str:
    option = inner(action, "selected_option")
    told = label(action, "value", MAX_VALUE) or label(option, "value", MAX_VALUE)
    return told or label(action, "selected_user") or label(action, "selected_conversation")


_READERS: Mapping[str, Callable[[Fields, Identity | None], Interaction]] = {
    "message_action": _shortcut,
    "view_submission": _form_words,
    "block_actions": _block_actions,
}
