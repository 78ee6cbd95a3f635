"""What is done with files, as the settings say it and as a file lets it be done."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from relay.messages import Attachment, Form

MAX_FILE = 25 * 1024 * 1024  # bytes that are taken on either way; Kommunicate's own clients send 25,000,000 at most

MAX_URL = 3000  # characters that Slack takes of a picture's address


class Attachments(StrEnum):
    """How customers' files are shown in Slack, as the settings say."""

    AUTO = "auto"  # a picture where Slack can fetch it, else the file itself
    UPLOAD = "upload"  # the file itself
    THUMBNAIL = "thumbnail"  # a picture where Slack can fetch it
    LINK = "link"  # its name, type and size, and where to open it
    NONE = "none"  # that there is one


class FilesBack(StrEnum):
    """What becomes of the files of agents' replies, as the settings say."""

    AUTO = "auto"  # the customer gets them; where one cannot go, the words go all the same
    LINK = "link"  # the same, always as a link in the words
    REFUSE = "refuse"  # a reply with a file does not go at all


class Way(StrEnum):
    """How one file is shown."""

    PICTURE = "picture"  # a block whose picture Slack fetches by itself
    UPLOAD = "upload"  # a line about it, and the file itself below
    LINE = "line"  # a line about it
    HIDDEN = "hidden"  # a line that says nothing about it


def way_of(file: Attachment, form: Form, mode: Attachments, allows: Callable[[str], bool]) -> Way:
    """How a file is shown in a message of this form; `allows` tells of an address whether it may be fetched from."""
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
    """Where Slack can fetch its picture, None for nowhere: it takes https alone, and what is private it cannot open."""
    if not file.is_image or file.is_private:
        return None
    addresses = (one for one in (file.thumbnail_url, file.url) if one and one.startswith("https:"))
    return next((one for one in addresses if len(one) <= MAX_URL and allows(one)), None)


def _can_be_fetched(file: Attachment, allows: Callable[[str], bool]) -> bool:
    fits = file.size is None or file.size <= MAX_FILE  # as declared, which spares the try
    return fits and bool(file.key or (file.url and allows(file.url)))
