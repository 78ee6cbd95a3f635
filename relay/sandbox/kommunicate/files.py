"""Files that customers send: public at an address, or private behind a signed address that soon expires."""

from __future__ import annotations

import hmac
import mimetypes
import re
import secrets
from dataclasses import dataclass, field
from typing import Any, Literal

from relay.sandbox.core import Core
from relay.sandbox.kommunicate.values import KommunicateError
from relay.sandbox.pictures import kind_of

PRIVATE = "AWS-ENCRYPTED-"  # prefix of a private file's name
LIFETIME = 900.0  # seconds that a signed address is valid

Address = Literal["none", "unsigned", "blob"]


@dataclass(eq=False)
class CustomerFile:
    """One file. `stored` is its name in addresses; `fields` override what the webhook says about it.

    `address` is what the webhook says about a private file: no url but a blobKey, a url that answers 403 and a blobKey,
    or the url `/rest/ws/aws/file/<blobKey>` alone.
    """

    name: str
    content: bytes
    content_type: str
    stored: str
    blob_key: str
    private: bool = False
    address: Address = "none"
    deleted: bool = False
    fields: dict[str, Any] = field(default_factory=dict)


class CustomerFiles:
    """The files of an account. `origin` is the API's base, `lifetime` is how many seconds a new signed address is
    valid.
    """

    def __init__(self, core: Core) -> None:
        self.origin = "https://kommunicate.sandbox.test"
        self.lifetime = LIFETIME
        self._core = core
        self._secret = secrets.token_bytes(16)
        self._stored: dict[str, CustomerFile] = {}
        self._keys: dict[str, CustomerFile] = {}

    def public(self, name: str, content: bytes, *, content_type: str | None = None, **fields: Any) -> CustomerFile:
        """A file that anyone with its address can read; without a `content_type` its name determines the type."""
        return self._keep(name, content, content_type, fields)

    def private(
        self,
        name: str,
        content: bytes,
        *,
        content_type: str | None = None,
        address: Address = "none",
        **fields: Any,
    ) -> CustomerFile:
        """A file whose address must be requested with its blobKey."""
        file = self._keep(PRIVATE + name, content, content_type, fields)
        file.private, file.address = True, address
        return file

    def _keep(self, name: str, content: bytes, content_type: str | None, fields: dict[str, Any]) -> CustomerFile:
        kind = mimetypes.guess_type(name)[0] or "" if content_type is None else content_type
        with self._core.lock:
            file = CustomerFile(name, content, kind, self._free(name), secrets.token_urlsafe(18), fields=fields)
            self._stored[file.stored] = self._keys[file.blob_key] = file
        return file

    def _free(self, name: str) -> str:
        """A name that is valid in an address and not in use."""
        clean = re.sub(r"[^a-zA-Z0-9._-]", "-", name)[-80:].lstrip(".") or "file"
        while clean in self._stored:
            clean = f"{len(self._stored)}-{clean}"
        return clean

    def delete(self, file: CustomerFile) -> None:
        """From now on every address of it answers 404."""
        file.deleted = True

    def stored(self, name: str) -> CustomerFile | None:
        """The file with this name in addresses."""
        file = self._stored.get(name)
        return None if file is None or file.deleted else file

    def of_key(self, blob_key: str) -> CustomerFile | None:
        """The file with this blobKey."""
        file = self._keys.get(blob_key)
        return None if file is None or file.deleted else file

    def signed(self, blob_key: str) -> str:
        """An address that is valid for `lifetime` seconds; raises KommunicateError if the file is not there."""
        file = self.of_key(blob_key)
        if file is None:
            raise KommunicateError("NOT_FOUND", "no such file", 404)
        expires = str(int(self._core.now() + self.lifetime))
        return f"{self._url(file)}?Expires={expires}&Signature={self._signature(file, expires)}"

    def opens(self, file: CustomerFile, expires: str, signature: str) -> bool:
        """True for a public file, and for a private one with a valid signature."""
        if not file.private:
            return True
        good = hmac.compare_digest(self._signature(file, expires).encode(), signature.encode())
        return good and self._core.now() <= int(expires)

    def _signature(self, file: CustomerFile, expires: str) -> str:
        return hmac.new(self._secret, f"{file.stored} {expires}".encode(), "sha256").hexdigest()

    def _url(self, file: CustomerFile) -> str:
        return f"{self.origin}/files/{file.stored}"

    def told(self, file: CustomerFile) -> dict[str, Any]:
        """The webhook's `file`."""
        shape: dict[str, Any] = {"name": file.name, "url": self._url(file)}
        shape |= {"contentType": file.content_type, "size": len(file.content)}
        if not file.private:
            return shape | ({"thumbnailUrl": shape["url"]} if kind_of(file.content) else {}) | file.fields
        by_key = f"{self.origin}/rest/ws/aws/file/{file.blob_key}"
        shape["url"] = {"none": "", "unsigned": shape["url"], "blob": by_key}[file.address]
        return shape | ({} if file.address == "blob" else {"blobKey": file.blob_key}) | file.fields

    def listed(self, file: CustomerFile, *, user_key: str, time: int) -> dict[str, Any]:
        """The `fileMeta` of the REST API, which always has the blobKey."""
        more = {"key": file.blob_key, "userKey": user_key, "blobKey": file.blob_key, "createdAtTime": time}
        return {**self.told(file), **more}
