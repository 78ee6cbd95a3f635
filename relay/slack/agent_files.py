"""What agents share in a thread: which of it is a file that can be passed on, and why the rest is not.

https://docs.slack.dev/reference/objects/file-object. A file shared from another workspace arrives as an id only; its
details must be requested (`file_access: check_file_info`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relay.slack.reply_words import string
from relay.slack.text import clean_line

CHECK = "check_file_info"
TOMBSTONE = "tombstone"  # the mode of a file that was deleted
MAX_NAME = 120
_NAMELESS = "file"
_NOT_FILES = {
    "quip": "a canvas is no file",
    "canvas": "a canvas is no file",
    "list": "a list is no file",
    TOMBSTONE: "it was deleted in Slack",
    "hidden_by_limit": "Slack hides it: the workspace's plan is used up",
    "external": "",
}


@dataclass(frozen=True, slots=True)
class AgentFile:
    """A file as a message describes it. `size` is in bytes, as declared, None if unknown.

    `url` is its download address for the token, "" if Slack must be asked for that first; `link` opens it in a browser,
    for files that are not stored in Slack. `reason` is why it cannot be passed on, "" if it can.
    """

    id: str
    name: str
    content_type: str = ""
    size: int | None = None
    url: str = ""
    link: str = ""
    reason: str = ""


def read_file(file: Mapping[str, Any]) -> AgentFile:
    """Returns one of a message's `files`, or of `files.info`."""
    name = clean_line(string(file, "name") or string(file, "title"), MAX_NAME) or _NAMELESS
    mode, size = string(file, "mode"), file.get("size")
    is_external = file.get("is_external") is True or mode == "external"
    address = string(file, "url_private_download") or string(file, "url_private")
    known = string(file, "file_access") != CHECK and mode != "file_access"
    reason = _NOT_FILES.get(mode, "") or _NOT_FILES.get(string(file, "filetype"), "")
    return AgentFile(
        id=string(file, "id"),
        name=name,
        content_type=string(file, "mimetype"),
        size=size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
        url=address if known and not is_external else "",
        link=(string(file, "external_url") or address) if is_external else "",
        reason=reason,
    )
