"""An agent's file is fetched from Slack and stored, so that its reply can give the customer a link to it.

Repeating it is harmless: nobody sees the stored file before the reply is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import structlog

from relay.delivery import stored
from relay.delivery.context import DeliveryContext
from relay.delivery.steps import (
    FROM,
    LOCK,
    MISTAKE,
    Answered,
    Need,
    Prepared,
    Ready,
    Refused,
    Result,
    Step,
    workspace_of,
)
from relay.delivery.stumbles import log_given_up
from relay.delivery.transfers import check, keeping, on_disk, pieces
from relay.errors import Permanent, Transient, Unsure
from relay.failpoints import failpoint
from relay.files import MAX_FILE
from relay.owners import owner_of
from relay.slack.agent_files import AgentFile, read_file
from relay.slack.events import AgentWords
from relay.store.conversations import contents, kept_files
from relay.store.conversations.contents import Content
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Draft, Send
from relay.store.queue import sends
from relay.store.queue.lanes import give_back
from relay.vocabulary import SendKind

FETCH_WITHIN = 60.0  # seconds
NO_ROOM = "there is no more room for files here"
ASKED_ABOUT = ("gone", "forbidden", "wrong_type", "not_allowed_host")  # failures that Slack may know more about

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Kept:
    """What was stored: the type by content, otherwise as Slack says; the size in bytes; the name, if it is
    known now.
    """

    content_type: str
    size: int
    name: str


def prepare(tx: Tx, context: DeliveryContext, claim: Claim) -> Prepared:
    """The next file that is needed, as its message describes it."""
    file = kept_files.next_to_fetch(tx, claim.conversation.id)
    if file is None:
        return None
    said = stored.read_said(kept_files.body_of(tx, file))
    shared = said.files if isinstance(said, AgentWords) else ()
    named = next((one for one in shared if one.id == file.slack_id), AgentFile(file.slack_id, file.name))
    told = {"url": named.url, "type": named.content_type, "size": named.size}
    told |= {FROM: owner_of(said.channel)} if said else {}
    content = contents.begin(tx, file.id, context.keepers.place)
    payload = {"file": file.id, "slack": file.slack_id, "place": content.place, "name": content.name, **told}
    return Ready((Draft(SendKind.FETCH, claim.conversation.key.account, None, payload),))


def give_up_next(tx: Tx, context: DeliveryContext, claim: Claim) -> Prepared:
    """The next file, over which we fail each time: its reply stops waiting for it."""
    file = kept_files.next_to_fetch(tx, claim.conversation.id)
    if file is None:
        return None
    if not claim.locked:
        return Need(LOCK)
    log_given_up(claim, SendKind.FETCH)
    kept_files.mark_failed(tx, claim.conversation.id, file.id, MISTAKE)
    return 0.0


def call(context: DeliveryContext, claim: Claim, send: Send) -> Kept:
    """Download it from where its message says, or ask Slack where it is; detect its type, and store it."""
    told = send.payload
    file = AgentFile(told["slack"], "", told["type"], told["size"], told["url"])
    if not file.url:
        return _fetch(context, claim, send, _known(context, send, file.id))
    try:
        return _fetch(context, claim, send, file)
    except Permanent as error:
        if error.code not in ASKED_ABOUT:
            raise
        now = _known(context, send, file.id)  # raises the reason, if there is one
        if now.url == file.url:
            raise
    return _fetch(context, claim, send, now)


def _fetch(context: DeliveryContext, claim: Claim, send: Send, file: AgentFile) -> Kept:
    if (file.size or 0) > MAX_FILE:
        raise Permanent(f"it is larger than {MAX_FILE // 1024**2} MB", code="too_large")
    progress = keeping(context, claim)
    with on_disk() as content:
        size, declared = context.slack_in(workspace_of(send)).files.download(
            file.url, content, most=MAX_FILE, within=FETCH_WITHIN, progress=progress
        )
        failpoint("file.fetched")
        kind = check(content, size, file.content_type or "?")
        if file.size is not None and size != file.size:
            raise Transient("the download was incomplete, or something else", code="wrong_size")
        _keep(context, _content(send), size, pieces(content, progress))
    failpoint("file.kept")
    return Kept(kind or file.content_type or declared, size, file.name)


def _keep(context: DeliveryContext, content: Content, size: int, of: Iterator[bytes]) -> None:
    keepers = context.keepers
    with context.store.begin() as tx:
        has_room = contents.reserve(tx, content, size, keepers.most if content.place == keepers.place else None)
    if not has_room:
        log.error("files.no_room", place=content.place, most=keepers.most)
        raise Permanent(NO_ROOM, code="no_room")
    keepers.of(content).save(content, of)


def _content(send: Send) -> Content:
    """Where it is stored; an earlier version, which only knew the database, does not say."""
    return Content(send.payload["file"], send.payload.get("place", ""), send.payload.get("name", ""))


def _known(context: DeliveryContext, send: Send, slack_id: str) -> AgentFile:
    """The file as Slack describes it now: it may be deleted, hidden, or from another workspace."""
    try:
        file = read_file(context.slack_in(workspace_of(send)).files.info(slack_id))
    except Unsure as error:
        raise Transient(str(error), code=error.code) from None
    except Permanent as error:
        if error.code in ("file_not_found", "file_deleted"):
            raise Permanent("it was deleted in Slack", code=error.code) from None
        raise
    if file.reason or not file.url:
        raise Permanent(file.reason or "Slack does not say where it is", code="no_address")
    return file


def settled(tx: Tx, context: DeliveryContext, claim: Claim, send: Send, result: Result) -> Step | None:
    """The file is stored, or cannot be; either way its reply stops waiting for it."""
    match result:
        case Answered(Kept(kind, size, name)):
            kept_files.mark_kept(tx, claim.conversation.id, _content(send), kind, size, name)
        case Refused(cause):
            kept_files.mark_failed(tx, claim.conversation.id, send.payload["file"], cause)
        case _:
            return None
    sends.forget(tx, send)
    more = kept_files.next_to_fetch(tx, claim.conversation.id) is not None
    give_back(tx, claim, wait=0.0 if more else None)
    return None
