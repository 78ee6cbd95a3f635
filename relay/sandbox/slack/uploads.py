"""The files.* methods."""

from __future__ import annotations

from typing import Any

from flask import request

from relay.sandbox.slack.access import writable_channel
from relay.sandbox.slack.args import Args, invalid
from relay.sandbox.slack.file_shapes import info
from relay.sandbox.slack.files import Pending, SlackFile
from relay.sandbox.slack.sharing import delete_file, share
from relay.sandbox.slack.values import BOT_USER_ID, SlackError
from relay.sandbox.slack.workspace import SlackWorkspace

Reply = dict[str, Any]
MAX_LENGTH = 10**9


def get_upload_url(slack: SlackWorkspace, args: Args) -> Reply:
    """files.getUploadURLExternal: where to upload this many bytes; a form, because it accepts no JSON."""
    slack.need_scope("files:write")
    if request.is_json:
        raise invalid("missing required field: filename", "missing required field: length")
    name = args.text("filename")
    if not name or not args.given("length"):
        raise SlackError("missing_argument")
    file = slack.cabinet.reserve(name, args.number("length", 1, MAX_LENGTH))
    return {"file_id": file.id, "upload_url": f"{slack.cabinet.origin}/upload/{file.id}"}


def complete_upload(slack: SlackWorkspace, args: Args) -> Reply:
    """files.completeUploadExternal: once per file; `alt_txt` silently prevents the share."""
    slack.need_scope("files:write")
    listed = args.parsed("files", "invalid_arguments")
    if not isinstance(listed, list) or not listed or not all(isinstance(each, dict) for each in listed):
        raise SlackError("invalid_arguments")
    files = [_received(slack, str(each.get("id"))) for each in listed]
    if len({file.id for file in files}) < len(files):
        raise SlackError("invalid_arguments")
    channel = writable_channel(slack, args.text("channel_id")) if args.given("channel_id") else None
    for file, each in zip(files, listed, strict=True):
        file.title = str(each.get("title") or file.name)
    told = [file for file, each in zip(files, listed, strict=True) if "alt_txt" not in each]
    if channel and told:
        due = slack.core.now() + slack.cabinet.share_delay
        share(slack, Pending(told, channel, args.text("thread_ts") or None, args.text("initial_comment"), due))
    for file in files:
        file.completed = True
    # in its answer, the shares of a fresh upload are normally still empty
    return {"files": [info(file, slack.cabinet) | {"shares": {}, "channels": []} for file in files]}


def _received(slack: SlackWorkspace, file_id: str) -> SlackFile:
    file = slack.cabinet.files.get(file_id)
    if file is None or file.content is None or file.completed:
        raise SlackError("file_not_found")
    return file


def file_info(slack: SlackWorkspace, args: Args) -> Reply:
    """files.info, with the shares."""
    slack.need_scope("files:read")
    return {"file": info(slack.cabinet.existing(args.text("file")), slack.cabinet), "comments": []}


def file_delete(slack: SlackWorkspace, args: Args) -> Reply:
    """files.delete: own files only, limited per minute."""
    slack.pacing.take_call("files.delete", slack.core.now())
    slack.need_scope("files:write")
    file = slack.cabinet.existing(args.text("file"))
    if file.user != BOT_USER_ID:
        raise SlackError("cant_delete_file")
    delete_file(slack, file)
    return {}
