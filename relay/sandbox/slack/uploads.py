"""The files.* methods."""

from __future__ import annotations

import re
from typing import Any

from flask import request

from relay.sandbox.slack.access import writable_channel
from relay.sandbox.slack.args import Args
from relay.sandbox.slack.files import SlackFile
from relay.sandbox.slack.values import BOT_ID, BOT_USER_ID, SlackError
from relay.sandbox.slack.workspace import SlackWorkspace

Reply = dict[str, Any]


def get_upload_url(slack: SlackWorkspace, args: Args) -> Reply:
    """files.getUploadURLExternal: where to send how many bytes."""
    slack.need_scope("files:write")
    name = args.text("filename")
    if not name or not args.given("length"):
        raise SlackError("missing_argument")
    file = slack.cabinet.reserve(re.sub(r"[^\w.-]", "_", name), args.number("length", 1, 10**9))
    return {"file_id": file.id, "upload_url": f"{request.host_url}slack/upload/{file.id}"}


def complete_upload(slack: SlackWorkspace, args: Args) -> Reply:
    """files.completeUploadExternal: once per file; `alt_txt` makes the share silently not happen."""
    slack.need_scope("files:write")
    listed = args.parsed("files", "invalid_arguments")
    if not isinstance(listed, list) or not listed or not all(isinstance(each, dict) for each in listed):
        raise SlackError("invalid_arguments")
    files = [_finished(slack, str(each.get("id"))) for each in listed]
    if args.given("channel_id"):
        channel = writable_channel(slack, args.text("channel_id"))
        for file, each in zip(files, listed, strict=True):
            if "alt_txt" not in each:
                _share(slack, file, channel.id, args)
    for file in files:
        file.completed = True
    # the shares of a fresh completion are normally still empty in its answer
    return {"files": [file.shape() | {"shares": {}} for file in files]}


def _finished(slack: SlackWorkspace, file_id: str) -> SlackFile:
    file = slack.cabinet.files.get(file_id)
    if file is None or file.content is None or file.completed:
        raise SlackError("file_not_found")
    return file


def _share(slack: SlackWorkspace, file: SlackFile, channel: str, args: Args) -> None:
    message = slack.add(
        channel,
        BOT_USER_ID,
        args.text("initial_comment"),
        thread_ts=args.text("thread_ts") or None,
        bot_id=BOT_ID,
        files=[file.shape()],
    )
    share = {"ts": message.ts} | ({"thread_ts": message.thread_ts} if message.thread_ts else {})
    file.shares.setdefault(channel, []).append(share)
    slack.tell_posted(message)


def file_info(slack: SlackWorkspace, args: Args) -> Reply:
    """files.info, with the shares."""
    slack.need_scope("files:read")
    file = slack.cabinet.files.get(args.text("file"))
    if file is None:
        raise SlackError("file_not_found")
    return {"file": file.shape()}
