"""What the relay asks of Slack: post, update, delete, and look whether something was posted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from relay.clock import monotonic
from relay.errors import DeliveryFailed, OperatorNeeded, Permanent, Transient, Unsure
from relay.keys import key_of
from relay.messages import Standing
from relay.net.call_times import CallTimes
from relay.owners import owned
from relay.slack.api import Api, unreadable
from relay.slack.blocks import actions, context, plain
from relay.slack.codes import TOKEN
from relay.slack.history import Found, find_posted
from relay.slack.identity import Identity, app_of, identity_of
from relay.slack.limits import FIND_CHANNEL, SAY_PRIVATELY
from relay.slack.text import escape
from relay.slack.uploads import SlackFiles
from relay.slack.users import Profile, profile_of, standing
from relay.vocabulary import GateScope

__all__ = ["EVENT_TYPE", "METHOD_SCOPES", "Found", "Posted", "SlackClient"]

EVENT_TYPE = "relay_message"  # of the metadata by which a post is found again
_CHANNELS_PER_PAGE = 999  # Slack allows 20 pages a minute here; a limited search starts again from the front

PING_DEADLINE = 3.0  # seconds
FIND_CHANNEL_DEADLINE = 20.0  # seconds; a large workspace has many pages

# Every method called, and the scopes it needs; for several, the kind of channel decides which one:
# https://docs.slack.dev/reference/methods
METHOD_SCOPES: dict[str, tuple[str, ...]] = {
    "auth.test": (),
    "bots.info": ("users:read",),
    "chat.postMessage": ("chat:write",),
    "chat.update": ("chat:write",),
    "chat.delete": ("chat:write",),
    SAY_PRIVATELY: ("chat:write",),
    "chat.getPermalink": (),
    "conversations.history": ("channels:history", "groups:history"),
    "conversations.replies": ("channels:history", "groups:history"),
    FIND_CHANNEL: ("channels:read", "groups:read"),
    "conversations.info": ("channels:read", "groups:read"),
    "conversations.join": ("channels:join",),
    "users.lookupByEmail": ("users:read.email",),
    "users.info": ("users:read", "users:read.email"),
    "reactions.add": ("reactions:write",),
    "reactions.remove": ("reactions:write",),
    "files.getUploadURLExternal": ("files:write",),
    "files.completeUploadExternal": ("files:write",),
    "files.delete": ("files:write",),
    "files.info": ("files:read",),
}


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a post landed; `thread_ts` is None at the channel's root, even if a thread was requested."""

    channel: str
    ts: str
    thread_ts: str | None


class SlackClient:
    """One workspace's Slack, with our errors for every outcome; threads may share it."""

    def __init__(
        self,
        token: str,
        base_url: str,
        *,
        deadline: float = 8.0,
        workspace: str = "",
        variable: str = TOKEN,
        api: Api | None = None,
        times: CallTimes | None = None,
    ) -> None:
        """`deadline` is in seconds, for each call; `times` records how long each took.

        `base_url` ends in `/api/` for the real Slack; `api` is an alternative. Channels of a named `workspace` have it
        in front; `variable` names the variable with its token.
        """
        of = {"workspace": workspace, "variable": variable}
        self._api = api or Api(token, base_url, deadline=deadline, times=times, **of)
        self._identity: Identity | None = None
        self.files = SlackFiles(self._api)

    def post(self, channel: str, payload: Mapping[str, Any], *, thread_ts: str | None, send_id: str) -> Posted:
        """Posts once and returns where it landed; a caller that asked for a thread must compare.

        If the parent is gone, the post lands at the channel's root, and Slack still says ok.
        """
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"d": send_id}}
        thread = {} if thread_ts is None else {"thread_ts": thread_ts}
        where = {**thread, "channel": self._api.id_of(channel)}
        body = self._api.write("chat.postMessage", {**payload, **where, "metadata": metadata})
        match body:
            case {"channel": str(found), "ts": str(ts), "message": {**message}}:
                return Posted(owned(self._api.workspace, found), ts, _text_or_none(message.get("thread_ts")))
        raise unreadable("chat.postMessage")

    def update(self, channel: str, ts: str, payload: Mapping[str, Any]) -> None:
        """Replaces the contents of our post; blocks that the payload lacks are removed."""
        shown = {"text": payload["text"], "blocks": payload.get("blocks", []), "parse": "none"}
        self._api.write("chat.update", {"channel": self._api.id_of(channel), "ts": ts, **shown})

    def delete(self, channel: str, ts: str) -> None:
        """Deletes our post; one that is already gone is fine."""
        self._api.write("chat.delete", {"channel": self._api.id_of(channel), "ts": ts})

    def post_ephemeral(
        self,
        channel: str,
        user_id: str,
        sentence: str,
        *,
        thread_ts: str | None,
        controls: Sequence[Mapping[str, Any]] = (),
        rows: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Shows a sentence to one member of the channel, until they reload; Slack does not store it.

        Below it stand `controls`, the elements of a row of buttons, and `rows`, blocks of their own.
        """
        thread = {} if thread_ts is None else {"thread_ts": thread_ts}
        buttons = [actions(*map(dict, controls))] if controls else []
        said = {"text": escape(sentence), "blocks": [context(plain(sentence)), *buttons, *rows], "parse": "none"}
        where = {"channel": self._api.id_of(channel), "user": user_id}
        self._api.write(SAY_PRIVATELY, {**where, **said, **thread})

    def open_view(self, trigger_id: str, view: Mapping[str, Any]) -> None:
        """Opens a form for the person behind this trigger, which is valid for three seconds."""
        self._api.write("views.open", {"trigger_id": trigger_id, "view": view})

    def publish_home(self, user_id: str, view: Mapping[str, Any]) -> None:
        """Shows this Home tab to one person."""
        self._api.write("views.publish", {"user_id": user_id, "view": view})

    def update_view(self, view_id: str, view: Mapping[str, Any]) -> None:
        """Changes an open form."""
        self._api.write("views.update", {"view_id": view_id, "view": view})

    def find_posted(self, channel: str, send_id: str, *, thread_ts: str | None, oldest: str | None) -> list[Found]:
        """Returns our posts with this send id, in the thread and in the channel, oldest first.

        Searches what is later than `oldest`, a Slack `ts`, within the client's deadline in total. Raises
        `HistoryUnreadable` if reading is not permitted; an answer that may be incomplete is `Unsure`, never empty.
        """
        ends, me = monotonic() + self._api.deadline, self.identity()

        def is_it(message: Mapping[str, Any]) -> bool:
            # Every app of the workspace can read metadata, and use our event type.
            ours = message.get("bot_id") == me.bot_id or (me.app_id is not None and message.get("app_id") == me.app_id)
            return ours and _send_id_of(message) == send_id

        return find_posted(self._api, is_it, channel=channel, thread_ts=thread_ts, oldest=oldest, ends=ends)

    def find_channel(self, name: str) -> str:
        """Returns the id of a channel given by name; raises `OperatorNeeded` if there is none."""
        wanted = self._api.id_of(name).removeprefix("#").lower()
        arguments = {"types": "public_channel,private_channel", "exclude_archived": False}
        channels: dict[str, str] = {}
        ends = monotonic() + FIND_CHANNEL_DEADLINE
        listed = self._api.pages(FIND_CHANNEL, "channels", arguments, size=_CHANNELS_PER_PAGE, ends=ends, most=50)
        for channel in listed:
            match channel:
                case {"name": str(found), "id": str(channel_id)}:
                    if found == wanted:
                        return owned(self._api.workspace, channel_id)
                    channels[found] = channel_id
        raise _no_such_channel(wanted, list(channels))

    def join(self, channel: str) -> None:
        """Makes the bot a member of a public channel; already being one is fine."""
        self._api.write("conversations.join", {"channel": self._api.id_of(channel)})

    def profile(self, user_id: str, team: str) -> Profile:
        """Returns a user's name, and their standing in the workspace `team`; the e-mail needs a separate scope."""
        return profile_of(self._api.read("users.info", {"user": user_id}), user_id, team)

    def find_user(self, email: str, *, deadline: float) -> tuple[str, Standing] | None:
        """Returns the user with this address, and their standing in our workspace; None if there is none."""
        team = self.identity().team
        try:
            body = self._api.read("users.lookupByEmail", {"email": email}, deadline=min(deadline, self._api.deadline))
        except Permanent as error:
            if error.code == "users_not_found":
                return None
            raise
        match body:
            case {"user": {"id": str(user_id), **user}} if key_of(user_id):
                return user_id, standing({**user, "id": user_id}, team)
        raise unreadable("users.lookupByEmail")

    def react(self, channel: str, ts: str, name: str) -> None:
        """Adds our emoji to a message; an existing one is fine."""
        self._api.write("reactions.add", {"channel": self._api.id_of(channel), "timestamp": ts, "name": name})

    def unreact(self, channel: str, ts: str, name: str) -> None:
        """Removes our emoji; a missing one is fine."""
        self._api.write("reactions.remove", {"channel": self._api.id_of(channel), "timestamp": ts, "name": name})

    def answers(self) -> bool:
        """Asks Slack something that concerns no channel; False if it does not answer."""
        try:
            self._api.read("auth.test", deadline=min(PING_DEADLINE, self._api.deadline))
        except (Transient, Unsure):
            return False
        except DeliveryFailed:
            return True  # whatever the answer is
        return True

    def identity(self) -> Identity:
        """Returns who we are, asking Slack only the first time."""
        if self._identity is None:
            self._identity = identity_of(self._api.read("auth.test"), self._api.variable)
        return self._identity

    def whole_identity(self) -> Identity:
        """The same with the app's id, for which Slack may have to be asked besides; None where it does not say."""
        me = self.identity()
        return me if me.app_id else replace(me, app_id=app_of(self._api, me.bot_id))

    def permalink(self, channel: str, ts: str, *, deadline: float | None = None) -> str:
        """Returns the permalink of a post; `deadline` is in seconds, and may be shorter than the client's."""
        ends = self._api.deadline if deadline is None else min(deadline, self._api.deadline)
        where = {"channel": self._api.id_of(channel), "message_ts": ts}
        body = self._api.read("chat.getPermalink", where, deadline=ends)
        match body:
            case {"permalink": str(address)}:
                return address
        raise unreadable("chat.getPermalink")


def _send_id_of(message: Mapping[str, Any]) -> str | None:
    match message.get("metadata"):
        case {"event_type": str(kind), "event_payload": {"d": str(send_id)}} if kind == EVENT_TYPE:
            return send_id
    return None


def _no_such_channel(name: str, names: list[str]) -> OperatorNeeded:
    near = get_close_matches(name, names, n=1)
    hint = f"; did you mean #{near[0]}?" if near else "; if it is private, invite the bot first"
    return OperatorNeeded(GateScope.CHANNEL, f"there is no channel #{name}{hint}", code="channel_not_found")


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
