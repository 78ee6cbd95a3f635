"""The settings for files, and what a single file allows."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from relay.messages import Attachment, Form

MAX_FILE = 25 * 1024 * 1024  # bytes, in either direction; Kommunicate's own clients send at most 25,000,000

MAX_URL = 3000  # characters that Slack accepts in a picture's URL


class Attachments(StrEnum):
    """The setting for showing customers' files in Slack."""

    AUTO = "auto"  # a picture if Slack can fetch it, otherwise the file itself
    UPLOAD = "upload"  # the file itself
    THUMBNAIL = "thumbnail"  # a picture if Slack can fetch it
    LINK = "link"  # name, type, size, and where to open it
    NONE = "none"  # only that there is one


class FilesBack(StrEnum):
    """The setting for files in agents' replies."""

    AUTO = "auto"  # the customer gets them; if one cannot be sent, the text still goes out
    LINK = "link"  # the same, but always as a link in the text
    REFUSE = "refuse"  # a reply with a file is not sent at all


class Way(StrEnum):
    """How one file is shown."""

    PICTURE = "picture"  # a block with a picture that Slack fetches itself
    UPLOAD = "upload"  # a line about it, with the file itself below
    LINE = "line"  # a line about it
    HIDDEN = "hidden"  # a line that says nothing about it


def way_of(file: Attachment, form: Form, mode: Attachments, allows: Callable[[str], bool]) -> Way:
    """How a file is shown in a message of this form; `allows` says whether an address may be fetched."""
    if mode is Attachments.NONE:
        return Way.HIDDEN
    if mode is Attachments.LINK:
        return Way.LINE
    if mode is not Attachments.UPLOAD and form is Form.FULL and picture_url(file, allows):
        return Way.PICTURE
    if mode is Attachments.THUMBNAIL or not _can_be_fetched(file, allows):
        return Way.LINE
    return Way.UPLOAD


def picture_url(file: Attachment, allows: Callable[[str], bool]) -> str | None:
    """Where Slack can fetch its picture, or None: Slack accepts only https, and cannot open private files."""
    if not file.is_image or file.is_private:
        return None
    addresses = (one for one in (file.thumbnail_url, file.url) if one and one.startswith("https:"))
    return next((one for one in addresses if len(one) <= MAX_URL and allows(one)), None)


def _can_be_fetched(file: Attachment, allows: Callable[[str], bool]) -> bool:
    fits = file.size is None or file.size <= MAX_FILE  # as declared, which saves an attempt
    return fits and bool(file.key or (file.url and allows(file.url)))
