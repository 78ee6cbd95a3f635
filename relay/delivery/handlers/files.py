"""A customer's file follows its message into the thread.

    upload    fetch it and upload it to Slack, where nobody sees it yet: can be repeated
    share     show it in its thread: once. A look tells whether it appears; a share that stays invisible is deleted
              before its file is uploaded again
    recall    its author withdrew it: delete it

If it cannot be shown, a line in the thread says why. Its message never waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import structlog

from relay.delivery.accounts import OfAccount
from relay.delivery.context import DeliveryContext
from relay.delivery.handlers.messages import in_place
from relay.delivery.steps import (
    LOCK,
    MISTAKE,
    Answered,
    Call,
    Look,
    Need,
    Prepared,
    Ready,
    Refused,
    Result,
    Step,
    TooLate,
    workspace_of,
)
from relay.delivery.stumbles import log_given_up
from relay.delivery.transfers import check, keeping, on_disk, pieces
from relay.errors import DeliveryFailed, Permanent, Transient, Unsure
from relay.failpoints import failpoint
from relay.files import MAX_FILE, Attachments
from relay.messages import ChatMessage
from relay.net.fetch import fetch
from relay.slack.client import Found, Posted
from relay.slack.files import file_name
from relay.store.conversations import files
from relay.store.conversations.corrections import end_withdrawn
from relay.store.conversations.thread_notices import redraw_lines
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Conversation, Draft, Send, Waiting
from relay.store.queue import sends
from relay.store.queue.due import lock
from relay.store.queue.gates import seconds_for_file
from relay.store.queue.lanes import give_back, hold, hold_again
from relay.vocabulary import DeliveryState, SendKind

NO_THREAD = 60.0  # seconds; a new thread wakes its files
FETCH_WITHIN = 120.0  # seconds for one file
MOST_TRIES = 3  # for a file that Slack claims to have shown, but has not
NOT_SHOWN = "Slack accepted it but did not show it"
NEVER_LOOKED_FOR = "Slack did not answer, and does not say whether it is shown"
NOT_KEPT = "its location is no longer known"
BROUGHT = (Attachments.AUTO, Attachments.UPLOAD)
NOT_WANTED = "the settings keep files out of this channel (`attachments`)"
NOT_DELETED = "its author withdrew it, but Slack does not delete it"

log = structlog.get_logger()


def prepare(tx: Tx, context: DeliveryContext, claim: Claim) -> Prepared:
    """The next file to upload or delete."""
    place = claim.conversation
    row = files.next_file(tx, claim)
    if not isinstance(row, Waiting):
        return row
    if row.is_withdrawn:
        return _recall(tx, row)
    if context.files.mode_of(place.rule) not in BROUGHT:
        files.end(tx, row.id, NOT_WANTED)
        return 0.0
    if place.thread_ts is None or place.channel_id is None:
        return NO_THREAD
    payload = {"delivery": row.id, **_of_file(context, row, place)}
    return Ready((Draft(SendKind.UPLOAD, place.channel_id, place.thread_ts, payload),))


def _of_file(context: DeliveryContext, row: Waiting, place: Conversation) -> dict[str, Any]:
    """What is needed to fetch it; nothing if it is no longer stored."""
    message = context.read(row.body, place)
    file = message.attachment if isinstance(message, ChatMessage) else None
    if file is None:
        return {}
    return {
        "name": file_name(file),
        "type": file.content_type,
        "url": file.url,
        "key": file.key if file.is_private or not file.url else "",
    }


def _recall(tx: Tx, row: Waiting) -> Prepared:
    """Delete it from where it is: its conversation may have moved."""
    shown = files.shown_file(tx, row.id)
    if shown is None:
        end_withdrawn(tx, [row.id])
        return 0.0
    file_id, channel = shown
    return Ready((Draft(SendKind.RECALL, channel, None, {"file": file_id, "delivery": row.id}),))


def give_up_next(tx: Tx, context: DeliveryContext, claim: Claim) -> Prepared:
    """The next file, over which we fail each time: the thread says that it does not come."""
    row = files.next_file(tx, claim)
    if not isinstance(row, Waiting):
        return row
    if not claim.locked:
        return Need(LOCK)
    log_given_up(claim, SendKind.RECALL if row.is_withdrawn else SendKind.UPLOAD)
    if row.is_withdrawn:
        _note_not_deleted(tx, row.id, MISTAKE)
    else:
        files.bury(tx, claim, row.id, MISTAKE)
    return 0.0


def call(context: DeliveryContext, claim: Claim, send: Send) -> str | Posted | None:
    """Upload it, share it, or delete it."""
    match send.kind:
        case SendKind.UPLOAD:
            return _upload(context, claim, send)
        case SendKind.SHARE:
            return _share(context, send)
    context.slack_at(send.channel).files.delete(send.payload["file"])
    return None


def _upload(context: DeliveryContext, claim: Claim, send: Send) -> str:
    file, slack = send.payload, context.slack_at(send.channel)
    progress, account = keeping(context, claim), context.of(claim.conversation.key.account)
    with on_disk() as content:
        size = _fetch(context, account, file, content, progress)
        failpoint("file.fetched")
        check(content, size, file["type"])
        file_id, address = slack.files.begin(file["name"], size)
        slack.files.send_bytes(address, pieces(content, progress), size)
    failpoint("file.uploaded")
    return file_id


def _fetch(
    context: DeliveryContext,
    account: OfAccount,
    file: Mapping[str, Any],
    into: BinaryIO,
    progress: Callable[[], None],
) -> int:
    """Fetch it. A signed address expires soon, so each try asks for a new one."""
    if not file.get("url") and not file.get("key"):
        raise Permanent(NOT_KEPT, code="not_kept")
    url = context.files.signed_url(file["key"], account) if file["key"] else file["url"]
    try:
        return fetch(url, into, hosts=context.files.hosts, most=MAX_FILE, deadline=FETCH_WITHIN, progress=progress).size
    except Permanent as error:
        if error.code == "forbidden" and file["key"]:
            raise Transient("its address has expired", code="expired") from None
        raise


def _share(context: DeliveryContext, send: Send) -> Posted:
    """Share it, and check that it appears: Slack says yes either way."""
    context.slack_at(send.channel).files.share(send.payload["file"], send.channel, send.thread_ts)
    failpoint("file.shared")
    try:
        found = find(context, send)
    except DeliveryFailed as error:  # of the look: the file may have appeared
        raise Unsure("Slack does not say yet whether it is shown", code=error.code) from None
    if not found:
        raise Unsure("it is not shown yet", code="not_shown")
    return in_place(context, send, Posted(send.channel, found[0].ts, found[0].thread_ts))


def find(context: DeliveryContext, send: Send) -> list[Found]:
    """Where the file of a share appears."""
    return context.slack_at(send.channel).files.shares(send.payload["file"], send.channel)


def unanswered(tx: Tx, context: DeliveryContext, claim: Claim, send: Send) -> Step | None:
    """It may have appeared."""
    wait = seconds_for_file(tx, send.channel, context.limits, workspace=workspace_of(send))
    if wait is not None:
        give_back(tx, claim, wait=wait, looking=True, attempts=claim.attempts, spent=claim.spent)
        return None
    return Look(send)


def settled(tx: Tx, context: DeliveryContext, claim: Claim, send: Send, result: Result) -> Step | None:
    """It is uploaded, shown, or deleted; or never will be."""
    match result:
        case Answered(str()) if files.is_withdrawn(tx, send.payload["delivery"]):
            sends.forget(tx, send)
            end_withdrawn(tx, [send.payload["delivery"]])
        case Answered(str(file_id)):
            sends.forget(tx, send)
            part = ((send.payload["delivery"], 0),)
            share = Draft(SendKind.SHARE, send.channel, send.thread_ts, {"file": file_id}, part)
            hold_again(tx, claim, lease=context.lease)
            return Call(sends.store(tx, claim, [share]))
        case Answered(Posted(_, ts, _)):
            _note_shown(tx, claim, send, ts)
        case Answered():
            sends.forget(tx, send)
            end_withdrawn(tx, [send.payload["delivery"]])
        case Refused(cause):
            give_up(tx, claim, send, cause)
        case TooLate():  # the lane's new holder looks for what the call did
            return None
    give_back(tx, claim)
    return None


def _note_shown(tx: Tx, claim: Claim, send: Send, ts: str) -> None:
    """Update a line that said the file could not be fetched."""
    sends.mark_delivered(tx, send, ts)
    for delivery_id in sends.carried_deliveries(tx, send):
        redraw_lines(tx, claim.conversation.id, delivery_id)
    files.recall_withdrawn(tx, claim, send)


def give_up(tx: Tx, claim: Claim, send: Send, cause: str) -> None:
    """Give up on the file, with a line in the thread. Conversation and lane are held."""
    carried = sends.carried_deliveries(tx, send) or [send.payload["delivery"]]
    if send.kind is SendKind.SHARE:
        files.end_unshown(tx, send, cause)  # if it appears late, it is deleted
    else:
        sends.forget(tx, send)  # it contains the file's name
    if send.kind is SendKind.RECALL:
        _note_not_deleted(tx, carried[0], cause, send.payload["file"])
    else:
        files.bury(tx, claim, carried[0], cause)


def _note_not_deleted(tx: Tx, delivery_id: int, cause: str, file_id: str | None = None) -> None:
    log.error("file.not_deletable", delivery=delivery_id, file=file_id, cause=cause)
    files.end(tx, delivery_id, f"{NOT_DELETED}: {cause}", DeliveryState.DEAD)


def end_in_vain(tx: Tx, claim: Claim, send: Send) -> None:
    """The file does not appear, and uploading it again could show it twice."""
    give_up(tx, claim, send, NOT_SHOWN)
    give_back(tx, claim)


def cannot_look(tx: Tx, claim: Claim, send: Send, error: DeliveryFailed) -> None:
    """Nobody can tell whether it appears. If looking is not permitted at all, Slack's yes is trusted."""
    if isinstance(error, Permanent):
        log.warning("file.not_confirmed", send=send.id, code=error.code)
        _note_shown(tx, claim, send, "")
    else:
        give_up(tx, claim, send, NEVER_LOOKED_FOR)


def bring_anew(context: DeliveryContext, claim: Claim, send: Send) -> None:
    """Slack has not shown it, but still may: delete it before it is uploaded again. Raises DeliveryFailed."""
    context.slack_at(send.channel).files.delete(send.payload["file"])
    failpoint("stray.deleted")

    def work(tx: Tx) -> None:
        lock(tx, claim.conversation.id)
        hold(tx, claim)
        if claim.attempts + 1 >= MOST_TRIES:
            give_up(tx, claim, send, NOT_SHOWN)
            give_back(tx, claim)
            return
        files.end_unshown(tx, send, NOT_SHOWN)
        give_back(tx, claim, wait=0.0, attempts=claim.attempts + 1, spent=claim.spent)

    context.write("resend", work)
