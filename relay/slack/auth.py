"""Lets a request in only if Slack signed its raw body with our secret recently; compares in constant time."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence

from relay.errors import Rejected
from relay.vocabulary import Refusal

# https://docs.slack.dev/authentication/verifying-requests-from-slack
TIMESTAMP = "X-Slack-Request-Timestamp"
SIGNATURE = "X-Slack-Signature"
MAX_AGE = 300  # seconds, in either direction: clocks differ

_SECONDS = re.compile(r"[0-9]{1,12}")
_FORM = re.compile(r"v0=[0-9a-f]{64}")


def check_signature(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float) -> None:
    """Returns only if one of `secrets` signed `body` within 300 s of `now`; otherwise raises `Rejected` 401.

    `body` is the raw body, before any parsing; `now` is in seconds since 1970. Header names may have any case. Empty
    secrets sign nothing, so without a secret everything is refused.
    """
    signers(headers, body, {"": secrets}, now)


def signers(headers: Mapping[str, str], body: bytes, secrets: Mapping[str, Sequence[str]], now: float) -> list[str]:
    """Returns the workspaces one of whose `secrets` signed `body`: several if they share an app. Otherwise raises the
    same.
    """
    timestamp, signature = _sent(headers, TIMESTAMP), _sent(headers, SIGNATURE)
    if not _is_recent(timestamp, now):
        raise _refusal(f"{TIMESTAMP} is not a time within {MAX_AGE} seconds of this relay's clock.")
    signed = b"v0:%s:%s" % (timestamp.encode("ascii"), body)
    made = {name: [_signature(one, signed) for one in several if one.strip()] for name, several in secrets.items()}
    found = [name for name, signatures in made.items() if _any_matches(signature, signatures)]
    if not found:
        raise _refusal(f"{SIGNATURE} is not one that this relay's signing secret makes of the body.")
    return found


def why_refused(headers: Mapping[str, str], now: float) -> Refusal | None:
    """Returns why a request that looks like Slack's was refused; None for one that does not."""
    given = {name.lower(): value for name, value in headers.items()}
    timestamp, signature = given.get(TIMESTAMP.lower(), ""), given.get(SIGNATURE.lower(), "")
    if not (_SECONDS.fullmatch(timestamp) and _FORM.fullmatch(signature)):
        return None
    return Refusal.SIGNATURE if _is_recent(timestamp, now) else Refusal.TIME


def signature_headers(body: bytes, secret: str, now: float) -> dict[str, str]:
    """Returns the headers that Slack, with this secret, would send with `body` at `now`, in seconds since 1970."""
    timestamp = str(int(now))
    signature = _signature(secret, b"v0:%s:%s" % (timestamp.encode("ascii"), body))
    return {TIMESTAMP: timestamp, SIGNATURE: signature.decode("ascii")}


def _sent(headers: Mapping[str, str], name: str) -> str:
    values = [value for header, value in headers.items() if header.lower() == name.lower()]
    if not values:
        raise _refusal(f"The header {name} is missing.")
    # WSGI joins a repeated header into one value, which matches nothing.
    return ",".join(values)


def _is_recent(timestamp: str, now: float) -> bool:
    return _SECONDS.fullmatch(timestamp) is not None and abs(now - int(timestamp)) <= MAX_AGE


def _signature(secret: str, signed: bytes) -> bytes:
    digest = hmac.new(secret.encode("utf-8", "surrogatepass"), signed, "sha256").hexdigest()
    return b"v0=" + digest.encode("ascii")


def _any_matches(signature: str, expected: list[bytes]) -> bool:
    sent, matched = signature.encode("utf-8", "surrogatepass"), False
    for known in expected:  # no early exit: the duration must not reveal which secret was close
        matched |= hmac.compare_digest(sent, known)
    return matched


def _refusal(sentence: str) -> Rejected:
    return Rejected(401, "unauthorized", sentence)
