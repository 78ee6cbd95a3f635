"""Where agents' files are kept, as the environment says it, and under which address customers find them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from relay.settings.variables import Reader

IN_DATABASE = "database"
MOST_IN_DATABASE = 10**9  # bytes of all files together, where the environment says nothing
_UNITS = {"MB": 10**6, "GB": 10**9, "TB": 10**12}
_SIZE = re.compile(r"([0-9]{1,6})\s?(MB|GB|TB)")
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[A-Za-z0-9!_.*'()-]+)*/?", re.ASCII)
_WRONG_PLACE = "Write `database`, a folder such as `/var/lib/relay/files`, or `s3://bucket/prefix`."
_KEY_HINT = "It is part of the key that lets the relay read, write and delete in the bucket of RELAY_FILES."
_REGION_HINT = "Write the bucket's region, such as `eu-central-1`."


@dataclass(frozen=True, slots=True)
class Access:
    """What opens a bucket; `endpoint` is the address of a service other than Amazon's own, None for that."""

    key_id: str
    secret: str = field(repr=False)
    region: str = "us-east-1"
    endpoint: str | None = None

    @property
    def address(self) -> str:
        """Where the service is called."""
        return self.endpoint or f"https://s3.{self.region}.amazonaws.com"


@dataclass(frozen=True, slots=True)
class FilePlaces:
    """Where agents' files are kept: `place` is "" for the database, or a `file:` or `s3:` address.

    `most` bytes are kept there in all, None for any number. `access` opens buckets, also those of earlier files.
    """

    place: str = ""
    most: int | None = MOST_IN_DATABASE
    access: Access | None = None


def read_places(reader: Reader) -> dict[str, Any]:
    """The settings of agents' files."""
    place = _place(reader)
    access = _access(reader, required=place.startswith("s3:"))
    return {"files": FilePlaces(place, _most(reader, place), access), "public_url": _public_url(reader)}


def _place(reader: Reader) -> str:
    name = "RELAY_FILES"
    value = reader.text(name, IN_DATABASE)
    if value == IN_DATABASE:
        return ""
    if value.startswith("s3://") and _BUCKET.fullmatch(value):
        return value.rstrip("/")
    folder = _folder(reader, value)
    if folder is None:
        reader.note("bad_place", name, f"{name} is neither `database` nor a folder nor a bucket.", _WRONG_PLACE)
        return ""
    if trouble := _trouble_with(folder):
        reader.note("bad_folder", name, f"{name} names a folder in which the relay cannot store files: {trouble}.",
                    "Create it, and let the relay's user write to it.")  # fmt: skip
    return folder.as_uri()


def _folder(reader: Reader, value: str) -> Path | None:
    if value.startswith("file:"):
        parts = urlsplit(value)
        path = unquote(parts.path)
        fits = parts.netloc in ("", "localhost") and path.startswith("/") and not parts.query and not parts.fragment
        return Path(os.path.normpath(path)) if fits and "\0" not in path else None
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", value) or "\0" in value or value.strip() != value:
        return None
    return Path(os.path.normpath(reader.cwd / value))


def _trouble_with(folder: Path) -> str:
    """Why nothing can be kept in a folder, "" where it can be, or can be made."""
    try:
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        if not existing.is_dir():
            return "it is a file" if existing == folder else "its parent is a file"
    except OSError as error:
        return error.strerror or "it cannot be read"
    return "" if os.access(existing, os.W_OK | os.X_OK) else "it is not writable"


def _most(reader: Reader, place: str) -> int | None:
    name = "RELAY_FILES_MAX"
    if name not in reader.env:
        return None if place else MOST_IN_DATABASE
    value = reader.text(name, "1 GB")
    found = _SIZE.fullmatch(value)
    if value == "none":
        return None
    if found is None or not int(found[1]):
        reader.note("bad_size", name, f"{name} is not a size.", "Write `500 MB`, `2 GB`, or `none` for no limit.")
        return None
    return int(found[1]) * _UNITS[found[2]]


def _access(reader: Reader, *, required: bool) -> Access | None:
    """What opens buckets; where it is not `required`, earlier files may be in one."""
    key_id = (
        reader.only_token("AWS_ACCESS_KEY_ID", required=_KEY_HINT) if required else reader.env.get("AWS_ACCESS_KEY_ID")
    )
    secret = reader.only_token("AWS_SECRET_ACCESS_KEY", required=_KEY_HINT if required else "")
    endpoint = _first(reader.env, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    if required and endpoint and not _is_address(endpoint):
        name = "AWS_ENDPOINT_URL_S3" if reader.env.get("AWS_ENDPOINT_URL_S3") else "AWS_ENDPOINT_URL"
        reader.note("bad_url", name, f"{name} is not an http or https address.", "Remove it to use Amazon's own.")
    region = _first(reader.env, "AWS_REGION", "AWS_DEFAULT_REGION") or ("us-east-1" if endpoint or not required else "")
    if required and not re.fullmatch(r"[a-z0-9-]{2,40}", region):
        what = "not set" if not region else "no region"
        reader.note("missing" if not region else "wrong_value", "AWS_REGION", f"AWS_REGION is {what}.", _REGION_HINT)
    return Access(key_id, secret, region, endpoint) if key_id and secret else None


def _first(env: Mapping[str, str], *names: str) -> str | None:
    return next((value for name in names if (value := env.get(name))), None)


def _public_url(reader: Reader) -> str | None:
    name = "RELAY_PUBLIC_URL"
    value = reader.env.get(name)
    if not value:
        return None
    if not _is_address(value) or re.search(r"[?#@]", value):
        hint = "Write `https://relay.example.com`, or remove it to use the address at which Slack reaches the relay."
        reader.note("bad_url", name, f"{name} is not an http or https address.", hint)
    elif value.startswith("http://") and not _is_local(value):
        reader.note("not_https", name, f"{name} does not begin with https://: others on the network could read files.",
                    "Write https://, with a certificate.", "warning")  # fmt: skip
    return value.rstrip("/")


def _is_local(value: str) -> bool:
    host = urlsplit(value).hostname or ""
    return host == "localhost" or host.startswith("127.")


def _is_address(value: str) -> bool:
    try:
        url = urlsplit(value)
        return bool(url.scheme in ("http", "https") and url.hostname and value.split() == [value] and url.port != 0)
    except ValueError:
        return False
