"""Kommunicate's response as one of our errors, in words for agents; the only place that reads Kommunicate's refusals.

Of a body, only the stated reason of a refusal gets into an error, shortened.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from relay.errors import DeliveryFailed, OperatorNeeded, Permanent, RateLimited, Transient, Unsure
from relay.jsontext import NotJson, decode, loads
from relay.keys import key_of, without_invisible
from relay.kommunicate import payloads
from relay.net.call import Response
from relay.vocabulary import GateScope, Vendor

KEY = "KOMMUNICATE_API_KEY"  # the variable with the key, unless it is another account's
MAX_DESCRIPTION = 150  # characters
LONGEST_RETRY_AFTER = 3600.0  # seconds; a proxy's mistake must not delay an agent's reply for days


def content_of(response: Response, path: str) -> Any:
    """Return the JSON of a successful response, from its envelope if it has one; otherwise raise our error."""
    failure = classify(response, method=path)
    if failure:
        raise failure
    return _content(response.body)


def classify(response: Response, *, method: str) -> DeliveryFailed | None:
    """Return what a response means for a call of `method`: None if it was done, otherwise the error to raise."""
    # No rate limit is documented; 429 is what a proxy in front of Kommunicate would say.
    if response.status == 429:
        return RateLimited(_seconds(response.headers), method=method, vendor=Vendor.KOMMUNICATE)
    content = _content(response.body)
    make = next(make for applies, make in RULES if applies(response.status, content))
    failure = make(f"http_{response.status}")
    said = _description(content)
    if said and isinstance(failure, Permanent):
        return Permanent(f"Kommunicate refused it: {said}", code=failure.code)
    if said and isinstance(failure, Transient):
        return Transient(f"Kommunicate does not accept it right now: {said}", code=failure.code)
    return failure


def _content(body: bytes) -> Any:
    """Return the JSON of a response, the bare text of a refusal, or `_JUNK`."""
    try:
        text = decode(body).strip()
        return text if text in _REFUSALS else loads(text)
    except NotJson:
        return _JUNK


def _refused(content: Any) -> bool:
    status = content.get("status") if isinstance(content, dict) else None
    return (isinstance(content, str) and content in _REFUSALS) or (
        isinstance(status, str) and status.lower() == "error"
    )


def _names(word: str, content: Any) -> bool:
    return _refused(content) and word in str(content)


def _description(content: Any) -> str:
    """The reason in a refusal's envelope, "" if it is not text."""
    reasons = content.get("errorResponse") if isinstance(content, dict) else None
    first = next(iter(reasons), None) if isinstance(reasons, list) else reasons
    said = first.get("description") if isinstance(first, dict) else None
    words = key_of(said, most=1000) or ""
    return without_invisible(" ".join(words.split()))[:MAX_DESCRIPTION]


def _contradicts_itself(content: Any) -> bool:
    return _refused(content) and payloads.sent_key(content) is not None


def _seconds(headers: Mapping[str, str]) -> float | None:
    value = next((text for name, text in headers.items() if name.lower() == "retry-after"), "")
    try:
        seconds = float(value)
    except ValueError:
        return None
    return min(seconds, LONGEST_RETRY_AFTER) if math.isfinite(seconds) and seconds >= 0 else None


def _redirected(code: str) -> DeliveryFailed:
    return OperatorNeeded(
        GateScope.ACCOUNT,
        "KOMMUNICATE_API_URL redirects: ask the relay's operator to set the address it leads to",
        code=code,
    )


def _key_refused(code: str) -> DeliveryFailed:
    return OperatorNeeded(
        GateScope.ACCOUNT,
        f"the API key for Kommunicate is wrong: tell the relay's operator ({KEY})",
        code=code,
    )


def _agent_refused(code: str) -> DeliveryFailed:
    sentence = (
        "Kommunicate does not allow this agent to do anything here, or the API key is wrong: tell the relay's operator"
    )
    return OperatorNeeded(GateScope.AGENT, sentence, code=code, shared=True)


def _engaged(_: str) -> DeliveryFailed:
    return Permanent("this agent has reached Kommunicate's limit of chats", code=payloads.ENGAGED.lower())


def _later(code: str) -> DeliveryFailed:
    return Transient("Kommunicate is not accepting messages right now", code=code)


def _never(code: str) -> DeliveryFailed:
    return Permanent("Kommunicate refused it without a reason", code=code)


def _not_there(code: str) -> DeliveryFailed:
    return Permanent("Kommunicate does not know this conversation: it may have been deleted there", code=code)


def _unclear(code: str) -> DeliveryFailed:
    return Unsure("Kommunicate did not say whether it received it", code=code)


def _done(_: str) -> None:
    return None


_JUNK = object()
_REFUSALS = ("error", "INVALID_PARAMETER", "INVALID_APPLICATIONID", payloads.ENGAGED)

# The first match. Codes and envelope: github.com/priyadarshi/Applozic-Chat-SDK-Documentation,
# PLATFORM-API-MESSAGE-DOC.md and PLATFORM-API-USER-DOC.md (the engine Kommunicate runs on); calls and key:
# docs.kommunicate.io/docs/api-detail. A status without an envelope is plain HTTP (RFC 9110). Only what says so is a
# refusal: an envelope with any other text may report success.
RULES: tuple[tuple[Callable[[int, Any], bool], Callable[[str], DeliveryFailed | None]], ...] = (
    (lambda status, _: 300 <= status < 400, _redirected),
    (lambda status, _: status in (502, 504), _unclear),  # RFC 9110: a gateway's own answer, which knows no more than we
    (lambda _, content: payloads.is_engaged(content) or _names(payloads.ENGAGED, content), _engaged),
    (lambda status, _: status == 401, _key_refused),  # api-detail: the Api-Key header
    (lambda status, _: status == 403, _agent_refused),  # RFC 9110: it knows who asks, and refuses
    (lambda status, _: status in (408, 425), _later),  # RFC 9110, RFC 8470: not processed
    (lambda _, content: _contradicts_itself(content), _unclear),
    (lambda _, content: _names("INVALID_APPLICATIONID", content), _key_refused),  # PLATFORM-API-USER-DOC.md
    (lambda _, content: _names("INVALID_PARAMETER", content), _never),  # PLATFORM-API-USER-DOC.md
    (lambda status, content: status in (404, 410) and not _description(content), _not_there),  # RFC 9110
    (lambda status, _: 400 <= status < 500, _never),
    (lambda status, content: status >= 500 and content == "error", _unclear),  # could come from any proxy
    (lambda _, content: _refused(content), _later),  # PLATFORM-API-MESSAGE-DOC.md: also with status 200
    (lambda status, content: 200 <= status < 300 and content is not _JUNK, _done),
    (lambda *_: True, _unclear),  # a proxy's 5xx, or a page instead of JSON: it may have been done
)
