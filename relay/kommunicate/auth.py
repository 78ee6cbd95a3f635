"""Lets a request in only if its shared token matches; compares in constant time."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator, Mapping, Sequence

from relay.errors import Rejected

# Kommunicate documents the first spelling (docs.kommunicate.io/docs/webhooks-configuration); proxies and
# hand-made callers use the second.
HEADER_NAMES = ("authentication", "authorization")
SCHEME = "basic"


def check_token(headers: Mapping[str, str], tokens: Sequence[str]) -> None:
    """Return only if one header contains `Basic base64(token)` for one of `tokens`; otherwise raise `Rejected` 401.

    Header names may have any case. Empty tokens match nothing, so without a token everything is refused.
    """
    sent = _sent_values(headers)
    if not sent:
        raise _refusal('The Authentication header is missing: it must be "Basic", then the token in base64.')
    credentials = list(_credentials(sent))
    if not credentials:
        raise _refusal('The Authentication header is not of the form "Basic", then the token in base64.')
    if not _any_matches(credentials, [_encoded(token) for token in tokens if token.strip()]):
        raise _refusal("The token in the Authentication header is not the one this relay expects.")


def authentication(token: str) -> dict[str, str]:
    """Return the header that Kommunicate sends with its webhooks."""
    return {"Authentication": f"Basic {_encoded(token).decode('ascii')}"}


def has_credentials(headers: Mapping[str, str]) -> bool:
    """True if a header contains a token in Kommunicate's form."""
    return any(True for _ in _credentials(_sent_values(headers)))


def _sent_values(headers: Mapping[str, str]) -> list[str]:
    by_name: dict[str, str] = {}
    for name, value in headers.items():
        if name.lower() in HEADER_NAMES:
            # WSGI joins a repeated header into one value, which matches nothing.
            by_name[name.lower()] = f"{by_name[name.lower()]},{value}" if name.lower() in by_name else value
    return list(by_name.values())


def _credentials(values: list[str]) -> Iterator[bytes]:
    for value in values:
        scheme, _, rest = value.strip().partition(" ")
        if scheme.lower() == SCHEME and rest.strip():
            yield rest.strip().encode("utf-8", "surrogatepass")


def _encoded(token: str) -> bytes:
    return base64.b64encode(token.encode("utf-8", "surrogatepass"))


def _any_matches(credentials: list[bytes], expected: list[bytes]) -> bool:
    matched = False
    for sent in credentials:
        for known in expected:  # no early exit: the duration must not reveal which token was close
            matched |= hmac.compare_digest(sent, known)
    return matched


def _refusal(sentence: str) -> Rejected:
    return Rejected(401, "unauthorized", sentence)
