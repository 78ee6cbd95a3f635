"""Files in Slack: uploaded, shared in a thread, looked for, deleted.

https://docs.slack.dev/messaging/working-with-files#upload: ask for an address, send the bytes there, complete. Until it
is completed nobody sees anything, and it can be completed only once. Only `files.info` says whether it was really
shown: the answer to the completion is the same either way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from relay.errors import Permanent, ThreadGone, Transient, Unreachable, Unsure
from relay.net.call import Caller
from relay.net.fetch import fetch
from relay.net.hosts import Hosts
from relay.slack.api import Api, unreadable
from relay.slack.errors import classify
from relay.slack.history import Found
from relay.slack.limits import SHARE_FILE, UPLOAD_FILE
from relay.spans import Kind, part
from relay.vocabulary import Vendor

HOSTS = ("*.slack.com",)  # where its files are, and where the token may be sent
TRANSFER = 120.0  # seconds for the bytes of one file


class SlackFiles:
    """The files.* methods. Threads may share one."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._hosts = Hosts(HOSTS, origins=(api.base_url,))

    def download(
        self, address: str, into: BinaryIO, *, most: int, within: float, progress: Callable[[], None]
    ) -> tuple[int, str]:
        """Downloads a file of the workspace into `into`; returns its bytes and the type stated by the server.

        Without sufficient rights, Slack answers 200 with a sign-in page: that is `Permanent`.
        """
        headers = {"Authorization": f"Bearer {self._api.token}"}
        where = self._hosts
        found = fetch(
            address, into, hosts=where, most=most, deadline=within, headers=headers, headers_to=where, progress=progress
        )
        return found.size, found.content_type

    def begin(self, name: str, size: int) -> tuple[str, str]:
        """Returns the id of a new file of `size` bytes, and the address for its bytes."""
        match self._api.read(UPLOAD_FILE, {"filename": name, "length": size}):
            case {"file_id": str(file_id), "upload_url": str(address)}:
                return file_id, address
        raise unreadable(UPLOAD_FILE)

    @part("upload", Kind.CALL)
    def send_bytes(self, address: str, pieces: Iterable[bytes], size: int) -> None:
        """Sends the bytes of a file to the address from Slack; can be repeated with another address."""
        parts = urlsplit(address)
        caller = Caller(Vendor.SLACK, f"{parts.scheme}://{parts.netloc}", {})  # the token is not for this host
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        try:
            response = caller.call("POST", path, pieces, headers, deadline=TRANSFER, fresh=True)
        except Unreachable:
            raise
        except Unsure as error:
            raise Transient(f"the file's bytes did not reach Slack: {error}", code=error.code) from None
        if response.status == 429:
            raise classify(429, None, response.headers, UPLOAD_FILE) or unreadable(UPLOAD_FILE)
        if response.status >= 500:
            raise Transient(f"Slack did not take the file's bytes (HTTP {response.status})", code="upload_failed")
        if response.status != 200:
            raise Permanent(f"Slack refused the file's bytes (HTTP {response.status})", code="upload_refused")

    def share(self, file_id: str, channel: str, thread_ts: str | None) -> None:
        """Completes a file and shows it in a thread; once, and possibly later than it says."""
        thread = {} if thread_ts is None else {"thread_ts": thread_ts}
        self._api.write(SHARE_FILE, {"files": [{"id": file_id}], "channel_id": self._api.id_of(channel), **thread})

    def shares(self, file_id: str, channel: str) -> list[Found]:
        """Returns where in a channel a file is shown."""
        try:
            info = self.info(file_id)
        except Permanent as error:
            if error.code in ("file_not_found", "file_deleted"):  # nothing came of it
                return []
            raise
        return [found for one in _shares_in(info, self._api.id_of(channel)) if (found := _found(one))]

    def ids_in(self, channel: str, ts: str, thread_ts: str) -> list[str]:
        """Returns the ids of the files that a message in a thread shows; none if it is gone."""
        at = {
            "channel": self._api.id_of(channel),
            "ts": thread_ts,
            "oldest": ts,
            "latest": ts,
            "inclusive": True,
            "limit": 2,
        }
        try:
            body = self._api.read("conversations.replies", at)
        except ThreadGone:
            return []
        shown = [one for one in _several(body.get("messages")) if one.get("ts") == ts]
        files = [file.get("id") for one in shown for file in _several(one.get("files"))]
        return [one for one in files if isinstance(one, str)]

    def info(self, file_id: str) -> Mapping[str, Any]:
        """Returns what Slack knows of a file."""
        match self._api.read("files.info", {"file": file_id}):
            case {"file": dict(file)}:
                return file
        raise unreadable("files.info")

    def delete(self, file_id: str) -> None:
        """Deletes our file wherever it is shown; one that is already gone is fine."""
        self._api.write("files.delete", {"file": file_id})


def _several(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _shares_in(file: Mapping[str, Any], channel: str) -> list[Any]:
    shares = file.get("shares")
    kinds = shares.values() if isinstance(shares, Mapping) else ()
    found = (kind.get(channel) for kind in kinds if isinstance(kind, Mapping))
    return [one for listed in found if isinstance(listed, list) for one in listed]


def _found(share: Any) -> Found | None:
    match share:
        case {"ts": str(ts), **rest}:
            thread = rest.get("thread_ts")
            return Found(ts, thread if isinstance(thread, str) else None)
    return None
