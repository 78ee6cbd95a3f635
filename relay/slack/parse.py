"""Raw body -> what a person did in Slack, or an `Ignored` with its reason; anything malformed is a `Rejected`.

https://docs.slack.dev/apis/events-api
"""

from __future__ import annotations

from collections.abc import Callable

from relay.errors import Rejected
from relay.messages import AgentChange, AgentMessage, Ignored, Reading
from relay.slack.body import came_to, command_body, form_body, json_body, workspace_in
from relay.slack.events import (
    AgentEdit,
    AgentWords,
    Challenge,
    Foreign,
    LooksAtHome,
    Uninstalled,
    event_key,
    message_key,
)
from relay.slack.fields import (
    Fields,
    identifier,
    identifier_or_none,
    inner,
    label,
    needed,
    several,
    text,
)
from relay.slack.identity import Identity
from relay.slack.message_events import Us, read_message
from relay.slack.reading import Wording

OTHER_KIND = "of a kind that nothing is done about"
RATE_LIMITED = "Slack holds events back: more than 30,000 in an hour"
NOT_THE_BOTS = "a person's token was revoked, not the bot's"
FOREIGN = "of another workspace or app than the token's"

SlackEvent = AgentWords | AgentEdit | LooksAtHome | Uninstalled | Ignored


def parse_event(body: bytes, me: Identity | None = None, *, workspace: str | None = None) -> Challenge | SlackEvent:
    """Returns what a request to the events address says; raises `Rejected` 400 for what is not an event.

    The event itself says which bot and app it was sent to; `me` is what Slack told us about ours, which identifies
    events for others. `workspace` is the one whose app received it, None for a stored body, which says so itself.
    """
    envelope = came_to(workspace, json_body(body))
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


def team_of(body: bytes) -> str:
    """Returns the workspace that a request of any kind is about, "" if it names none; raises `Rejected` 400."""
    try:
        envelope = json_body(body)
    except Rejected:
        payload = command_body(body) or form_body(body)
        return identifier_or_none(inner(payload, "team"), "id") or identifier_or_none(payload, "team_id") or ""
    return _home(envelope) if envelope.get("team_id") is not None else ""


def agent_message(words: AgentWords, wording: Wording) -> AgentMessage:
    """Returns what the store needs to know about an agent's message."""
    return AgentMessage(
        key=event_key(words),
        client_key=words.client_msg_id and f"{words.team}/{words.client_msg_id}",
        channel=words.channel,
        thread_ts=words.thread_ts,
        ts=words.ts,
        reading=wording.read(words.blocks, words.text),
    )


def agent_change(edit: AgentEdit, wording: Wording) -> AgentChange:
    """Returns what the store needs to know about a change to an agent's message."""
    reading = Reading() if edit.deleted else wording.read(edit.blocks, edit.text)
    of = message_key(edit.team, edit.channel, edit.ts)
    place = (edit.channel, edit.thread_ts, edit.edited_ts)
    return AgentChange(event_key(edit), of, *place, reading, edit.deleted, edit.files_gone, edit.same_words)


def _event(envelope: Fields, event: Fields, me: Identity | None) -> SlackEvent:
    read = _READERS.get(needed(label(event, "type"), "event.type"))
    return read(event, _us(envelope, me)) if read else Ignored(OTHER_KIND)


def _us(envelope: Fields, me: Identity | None) -> Us:
    # An authorization may also be a person's: messages of that person are not the relay's own.
    bots = [each for each in several(envelope, "authorizations") if each.get("is_bot") is True]
    users = (*(text(bot, "user_id") for bot in bots), me.user_id if me else "")
    apps = (text(envelope, "api_app_id"), (me.app_id or "") if me else "")
    return Us(_home(envelope), tuple(filter(None, users)), tuple(filter(None, apps)), workspace_in(envelope))


def _home(envelope: Fields) -> str:
    """The workspace for whose installation an event is; `team_id` may be the author's."""
    installed = [one for one in several(envelope, "authorizations") if one.get("is_enterprise_install") is not True]
    team, named = identifier(envelope, "team_id"), (identifier_or_none(one, "team_id") for one in installed)
    return next(filter(None, named), None) or identifier_or_none(envelope, "context_team_id") or team


def _uninstalled(event: Fields, us: Us) -> Uninstalled:
    return Uninstalled(us.team, text(event, "type"))


def _revoked(event: Fields, us: Us) -> Uninstalled | Ignored:
    lost = inner(event, "tokens")
    return Ignored(NOT_THE_BOTS) if lost.get("oauth") and not lost.get("bot") else _uninstalled(event, us)


def _home_opened(event: Fields, us: Us) -> LooksAtHome | Ignored:
    if text(event, "tab") != "home":
        return Ignored(OTHER_KIND)
    return LooksAtHome(us.team, identifier(event, "user"), workspace=us.workspace)


_READERS: dict[str, Callable[[Fields, Us], SlackEvent]] = {
    "message": read_message,
    "app_home_opened": _home_opened,
    "app_uninstalled": _uninstalled,
    "tokens_revoked": _revoked,
}


def _is_foreign(envelope: Fields, me: Identity) -> bool:
    """True for an event of another workspace's installation, or of another app.

    An app installed for a whole organisation gets the events of all its workspaces.
    """
    everywhere = any(one.get("is_enterprise_install") is True for one in several(envelope, "authorizations"))
    return is_of_another_app(envelope, me) or (not everywhere and _home(envelope) != me.team)


def is_of_another_app(payload: Fields, me: Identity) -> bool:
    """True for what was sent to an app other than the token's."""
    return bool(me.app_id) and text(payload, "api_app_id") not in ("", me.app_id)
