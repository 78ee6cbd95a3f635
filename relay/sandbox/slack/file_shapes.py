"""A file as events, messages and files.info report it: complete, or incomplete in one of several ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from relay.sandbox.slack.files import FileCabinet, SlackFile

Shape = dict[str, Any]
STUB = "file_access"
WORDS = {"status": "complete", "locale": "en-US", "preview": {"content": "What was said", "has_more": False}}


def _whole(file: SlackFile, cabinet: FileCabinet) -> Shape:
    place = f"{cabinet.origin}/files/{file.id}"
    ending = file.name.rpartition(".")[2].lower() if "." in file.name else "binary"
    return {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title,
        "mimetype": file.mimetype,
        "filetype": {"jpeg": "jpg"}.get(ending, ending),
        "pretty_type": ending.upper(),
        "user": file.user,
        "size": file.length,
        "mode": "hosted",
        "editable": False,
        "is_external": False,
        "external_type": "",
        "is_public": True,
        "file_access": "visible",
        "url_private": f"{place}/{file.slug}",
        "url_private_download": f"{place}/download/{file.slug}",
        "permalink": f"https://sandbox.slack.com/files/{file.user}/{file.id}/{file.slug}",
    }


def _external(file: SlackFile, cabinet: FileCabinet) -> Shape:
    """Stored elsewhere, with its own permissions: Slack has only the address."""
    shape = _whole(file, cabinet) | {"mode": "external", "is_external": True, "external_type": "gdrive"}
    del shape["url_private_download"]
    return shape | {"url_private": file.url or "https://drive.example.com/file/1", "size": 0}


def _with(**more: Any) -> Callable[[SlackFile, FileCabinet], Shape]:
    return lambda file, cabinet: _whole(file, cabinet) | more


def _bare(mode: str) -> Callable[[SlackFile, FileCabinet], Shape]:
    return lambda file, cabinet: {"id": file.id, "mode": mode}


# What can be in a message. For a Slack Connect file (`connect`), an event has a stub and files.info the whole file.
KINDS: dict[str, Callable[[SlackFile, FileCabinet], Shape]] = {
    "hosted": _whole,
    "connect": _whole,
    "external": _external,
    "snippet": _with(mode="snippet", editable=True, preview="words", lines=1, lines_more=0),
    "canvas": _with(mode="quip", filetype="canvas", pretty_type="Canvas", mimetype="application/vnd.slack-docs"),
    "voice": _with(subtype="slack_audio", media_display_type="audio", duration_ms=1500, transcription=WORDS),
    "video": _with(subtype="slack_video", media_display_type="video", duration_ms=1500, transcription=WORDS),
    "tombstone": _bare("tombstone"),
    "hidden": _bare("hidden_by_limit"),
}


def told(file: SlackFile, cabinet: FileCabinet) -> Shape:
    """The file as a message and its event report it."""
    if file.deleted:
        return {"id": file.id, "mode": "tombstone"}
    if file.kind == "connect":
        return {"id": file.id, "mode": STUB, STUB: "check_file_info"} | file.fields
    return KINDS[file.kind](file, cabinet) | file.fields


def info(file: SlackFile, cabinet: FileCabinet) -> Shape:
    """The file as files.info reports it, with its shares so far."""
    places = {channel for by_channel in file.shares.values() for channel in by_channel}
    shape = KINDS[file.kind](file, cabinet) | file.fields
    return shape | {"channels": sorted(places), "groups": [], "ims": [], "shares": file.shares}
