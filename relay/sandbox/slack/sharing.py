"""How files enter messages and leave them: at once, later, or not at all."""

from __future__ import annotations

from relay.sandbox.slack.file_shapes import told
from relay.sandbox.slack.files import Pending, SlackFile
from relay.sandbox.slack.pings import pings_of
from relay.sandbox.slack.values import BOT_ID, BOT_USER_ID, Message, SlackError
from relay.sandbox.slack.wire import message_shape
from relay.sandbox.slack.workspace import SlackWorkspace


def share(slack: SlackWorkspace, pending: Pending) -> None:
    """Shares now if that is due, otherwise as soon as `settle` finds that it is."""
    if pending.due > slack.core.now():
        slack.cabinet.pending.append(pending)
    else:
        _post(slack, pending)


def settle(slack: SlackWorkspace) -> None:
    """Shares what is due by now; called before every call and every view of the page."""
    now, cabinet = slack.core.now(), slack.cabinet
    due = [each for each in cabinet.pending if each.due <= now]
    cabinet.pending = [each for each in cabinet.pending if each.due > now]
    for pending in due:
        try:
            _post(slack, pending)
        except SlackError:
            continue  # nobody can be told any more that it cannot be shared


def _post(slack: SlackWorkspace, pending: Pending) -> None:
    message = slack.add(
        pending.channel.id,
        BOT_USER_ID,
        pending.text,
        thread_ts=pending.thread_ts,
        bot_id=BOT_ID,
        files=[told(file, slack.cabinet) for file in pending.files],
        pings=pings_of(pending.text, [], linked_names=False),
    )
    slack.cabinet.note_shares(pending.files, message, pending.channel)
    slack.tell_posted(message)


def human_deletes_file(slack: SlackWorkspace, file_id: str, *, user: str) -> None:
    """A person deletes a file of their own; the messages that it is in stay, if there is more in them."""
    with slack.core.lock:
        file = slack.cabinet.existing(file_id)
        if file.user != user:
            raise SlackError("cant_delete_file")
        delete_file(slack, file)


def delete_file(slack: SlackWorkspace, file: SlackFile) -> None:
    """Deletes a file, and every message that consisted of nothing else, including one that was still to come."""
    with slack.core.lock:
        file.deleted, file.content = True, None
        for pending in slack.cabinet.pending:
            pending.files = [each for each in pending.files if each is not file]
        slack.cabinet.pending = [each for each in slack.cabinet.pending if each.files]
        for by_channel in file.shares.values():
            for channel, shares in by_channel.items():
                for found in [slack.find(channel, each["ts"]) for each in shares]:
                    if found is not None and not found.deleted:
                        _take_out(slack, file, found)
        file.shares = {}
        slack.core.touch()


def _take_out(slack: SlackWorkspace, file: SlackFile, message: Message) -> None:
    rest = [each for each in message.files if each["id"] != file.id and each.get("mode") != "tombstone"]
    if not rest and not message.text and not message.blocks:
        slack.delete(message)
        return
    before = message_shape(message, slack, metadata=True)
    message.files = [told(file, slack.cabinet) if each["id"] == file.id else each for each in message.files]
    slack.tell_changed(message, before, slack.next_ts())
