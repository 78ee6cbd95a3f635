"""Does each configured channel exist, and is the bot in it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from relay.doctor.setup import Setup
from relay.doctor.told import why_away
from relay.errors import DeliveryFailed, OperatorNeeded, RateLimited
from relay.findings import Finding
from relay.owners import is_named, owner_of
from relay.settings import Config
from relay.slack.setup import ChannelState

HOW_TO_FIND = (
    "If it is private, invite the bot there with /invite. Otherwise correct the id: Slack shows it under the "
    "channel's name, About, at the bottom."
)
MOST = 100  # channels; Slack allows about fifty look-ups a minute


def look(setup: Setup) -> Iterator[Finding]:
    """What prevents a post, channel by channel; an unavailable workspace does not hide another's problems."""
    if setup.slack is None:
        return
    away: set[str] = set()
    for number, (channel, where) in enumerate(configured(setup.settings.config).items()):
        if number == MOST:
            yield _left_out(f"there are more than {MOST}")
            return
        workspace = owner_of(channel)
        if workspace in away:
            continue
        try:
            yield from _look_at(setup, channel, where)
        except DeliveryFailed as error:
            away.add(workspace)
            why = why_away(error) if not isinstance(error, RateLimited) else "Slack is rate limiting this call"
            yield _left_out(why, workspace)


def _look_at(setup: Setup, channel: str, where: str) -> Iterator[Finding]:
    try:
        state = setup.slack_at(channel).channel(channel)
    except OperatorNeeded as error:
        if error.code != "missing_scope":  # which another check reports
            yield _refused(channel, where, error)
    else:
        if is_named(channel):
            setup.channel_ids[channel] = state.id
        yield from _standing(setup, channel, where, state)


def configured(config: Config) -> Mapping[str, str]:
    """Each configured channel, and where the configuration names it first."""
    found: dict[str, str] = {}
    for channel, where in config.named_channels:
        found.setdefault(channel, where)
    return found


def _refused(channel: str, where: str, error: OperatorNeeded) -> Finding:
    if error.code != "channel_not_found":
        return Finding("channel_refused", "error", f"{channel}: {error}.", "Ask the workspace's admins.", where)
    # for a name, the error may suggest a similar one
    said = str(error) if is_named(channel) else f"The bot cannot see the channel {channel}"
    message = f"{said[:1].upper()}{said[1:]}{'' if said.endswith('?') else '.'}"
    return Finding("channel_not_found", "error", message, HOW_TO_FIND, where)


def _left_out(why: str, workspace: str = "") -> Finding:
    of = f" of the workspace {workspace}" if workspace else ""
    message = f"Not every channel{of} was checked: {why}."
    return Finding("channels_left_out", "warning", message, "Run this again later.")


def _standing(setup: Setup, channel: str, where: str, state: ChannelState) -> Iterator[Finding]:
    name = f"#{state.name} ({state.id})" if state.name else channel
    if state.is_archived:
        hint = "Unarchive it in Slack, or name another channel: waiting chats then move there automatically."
        yield Finding("channel_archived", "error", f"The channel {name} is archived.", hint, where)
    elif not state.is_member:
        # Nobody checks the scopes of further workspaces; the manifest asks for this one.
        may_join = bool(owner_of(channel)) or "channels:join" in (setup.token[0].scopes or ())
        joins = may_join and not state.is_private
        hint = "In the channel, type /invite and the bot's name."
        if joins:
            hint += " Or do nothing: the relay joins with its first message."
        message = f"The bot is not in {name}."
        yield Finding("channel_not_member", "warning" if joins else "error", message, hint, where)
