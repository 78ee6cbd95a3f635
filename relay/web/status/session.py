"""Who is signed in: a cookie that every process can check, because its key is made of the password.

Nobody but those who knew the password is ever given something signed with it. A changed password ends all sessions.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from functools import cached_property

from itsdangerous import BadSignature, Signer

LASTS = 12 * 3600.0  # seconds, whatever is done meanwhile
KNOWN_FOR = 90 * 86_400.0  # seconds for which a browser is known in which somebody has signed in
AHEAD = 60.0  # seconds that the clock of another process may be ahead
SALT = b"relay status page"  # the same for all processes, which share nothing but the password
_MEMORY = 32 * 1024 * 1024  # bytes that scrypt may take for a moment
_BEGUN = re.compile(r"([0-9]{1,12})\.[A-Za-z0-9_-]{20,60}")


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in; `form_token` is what their forms send along."""

    form_token: str


class Sessions:
    """Begins sessions and knows them again."""

    def __init__(self, password: str) -> None:
        self._password = password.encode("utf-8", "surrogatepass")

    def begin(self, now: float) -> str:
        """A new session's cookie, at `now` in seconds since 1970."""
        return self._begun("session", now)

    def read(self, cookie: str, now: float) -> Session | None:
        """The session of a cookie; None for one that is over, or that nobody here has signed."""
        value = self._read("session", cookie, now, LASTS)
        return None if value is None else Session(self._signer("forms").get_signature(value).decode())

    def remember(self, now: float) -> str:
        """The cookie by which a browser is known again when its session is over."""
        return self._begun("browser", now)

    def browser(self, cookie: str, now: float) -> str | None:
        """Which browser has this cookie; None for one that is too old, or that nobody here has signed."""
        return self._read("browser", cookie, now, KNOWN_FOR)

    def _begun(self, purpose: str, now: float) -> str:
        return self._signer(purpose).sign(f"{int(now)}.{secrets.token_urlsafe(24)}").decode()

    def _read(self, purpose: str, cookie: str, now: float, lasts: float) -> str | None:
        try:
            value = self._signer(purpose).unsign(cookie.encode("utf-8", "replace")).decode("ascii", "replace")
        except BadSignature:
            return None
        begun = _BEGUN.fullmatch(value)
        return value if begun is not None and -AHEAD <= now - int(begun[1]) <= lasts else None

    def _signer(self, purpose: str) -> Signer:
        return Signer(self._key, salt=purpose, key_derivation="hmac", digest_method=hashlib.sha256)

    @cached_property
    def _key(self) -> bytes:
        """Slow on purpose: whoever steals a cookie can try passwords at home."""
        return hashlib.scrypt(self._password, salt=SALT, n=2**14, r=8, p=1, maxmem=_MEMORY, dklen=32)
