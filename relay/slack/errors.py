"""Slack's answer as one of our errors; the only place that reads Slack's refusals.

The rules are from https://docs.slack.dev/apis/web-api/ (status, `ok`, `error`),
https://docs.slack.dev/apis/web-api/rate-limits (429, `Retry-After`) and the methods' own pages. An error contains
nothing of a body except codes, scopes, pointers into blocks, and rules in Slack's own words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from relay.errors import (
    DeliveryFailed,
    OperatorNeeded,
    Permanent,
    RateLimited,
    ThreadGone,
    Transient,
    Unsure,
)
from relay.slack.codes import ADVICE, TOKEN, Meaning, is_documented, meaning_of
from relay.vocabulary import GateScope

LONGEST_RETRY_AFTER = 12 * 3600.0  # seconds; a vendor's mistake must not silence a channel for days
NOT_JSON = "not_json"

_CODE = re.compile(r"[a-z][a-z0-9_]{1,79}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,15})?", re.ASCII)
_SCOPES = re.compile(r"[a-z:._,\- ]{1,200}", re.ASCII)
_POINTER = re.compile(r"\[json-pointer:(/[a-z0-9_/]{1,100})\]", re.ASCII)
_RULE = re.compile(
    r"must be (?:less|more) than [0-9]{1,6} characters|no (?:more|fewer|less) than [0-9]{1,6} items? allowed"
    r"|missing required field|downloading image failed|invalid url|must be a valid (?:url|enum value)"
    r"|must be valid unicode|invalid additional property"
    r"|unsupported type|must provide (?:a string|an object|an array)|invalid slack file",
    re.ASCII,
)
_PICTURE = "downloading image failed"
_MOST_REASONS = 5


def classify(
    status: int, body: Mapping[str, Any] | None, headers: Mapping[str, str], method: str, *, variable: str = TOKEN
) -> DeliveryFailed | None:
    """Returns what went wrong, or None if it was done. The status is read before the code.

    `body` is None if it was not a JSON object; `variable` names the variable with the token, for error messages.
    """
    if status == 429:
        return RateLimited(retry_after(headers), method=method)
    if status >= 500 or 300 <= status < 400:
        return Unsure(f"Slack answered {method} with HTTP {status}", code=f"http_{status}")
    code = _code(body)
    if body is None or code is None:
        return Unsure(f"Slack's answer to {method} makes no sense (HTTP {status})", code=NOT_JSON)
    if status == 200 and body.get("ok") is True:
        return None
    return _refusal(meaning_of(code, method), code, body, headers, method, variable)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Returns the seconds Slack asks to wait, at most 12 hours; None if it says nothing or junk."""
    values = (value for name, value in headers.items() if name.lower() == "retry-after")
    value = str(next(values, "")).strip()
    return min(float(value), LONGEST_RETRY_AFTER) if _SECONDS.fullmatch(value) else None


def _code(body: Mapping[str, Any] | None) -> str | None:
    """Returns Slack's error code, "" for success; None if it is not one, since it may contain anything."""
    if body is None:
        return None
    if body.get("ok") is True:
        return ""
    code = body.get("error")
    return code if isinstance(code, str) and _CODE.fullmatch(code) else None


def _refusal(
    meaning: Meaning, code: str, body: Mapping[str, Any], headers: Mapping[str, str], method: str, variable: str
) -> DeliveryFailed | None:
    said = f"Slack answered {method} with {code or 'ok and an error status'}"
    match meaning:
        case Meaning.DONE:
            return None
        case Meaning.TRANSIENT:
            return Transient(said, code=code)
        case Meaning.RATE_LIMITED:
            return RateLimited(retry_after(headers), method=method, code=code)
        case Meaning.WORKSPACE | Meaning.CHANNEL | Meaning.CHANNEL_OR_WORKSPACE:
            scope = GateScope.WORKSPACE if meaning is Meaning.WORKSPACE else GateScope.CHANNEL
            shared = meaning is Meaning.CHANNEL_OR_WORKSPACE
            return OperatorNeeded(
                scope, _with_advice(said, code, body).replace(TOKEN, variable), code=code, shared=shared
            )
        case Meaning.THREAD:
            return ThreadGone(said, code=code)
        case Meaning.PERMANENT:
            return _permanent(_with_advice(said, code, body), code, body)
        case Meaning.UNSURE:
            return Unsure(said, code=code, unknown_code=not is_documented(code))


def _with_advice(said: str, code: str, body: Mapping[str, Any]) -> str:
    needed = body.get("needed")
    scopes = f" ({needed})" if isinstance(needed, str) and _SCOPES.fullmatch(needed) else ""
    advice = ADVICE.get(code)
    return f"{said}{scopes}: {advice}" if advice else f"{said}{scopes}"


def _permanent(said: str, code: str, body: Mapping[str, Any]) -> Permanent:
    reasons = list(_reasons(body))
    picture = code == "invalid_blocks" and any(_is_about_a_picture(reason) for reason in reasons)
    told = "; ".join(dict.fromkeys(filter(None, map(_safe_reason, reasons[:_MOST_REASONS]))))
    return Permanent(f"{said}: {told}" if told else said, code=code, picture=picture)


def _reasons(body: Mapping[str, Any]) -> Iterator[str]:
    metadata = body.get("response_metadata")
    told = metadata.get("messages") if isinstance(metadata, Mapping) else None
    for reasons in (told, body.get("errors")):
        if isinstance(reasons, list):
            yield from (reason for reason in reasons if isinstance(reason, str))


def _is_about_a_picture(reason: str) -> bool:
    pointer = _POINTER.search(reason)
    return _PICTURE in reason or (pointer is not None and pointer[1].endswith("/image_url"))


def _safe_reason(reason: str) -> str:
    """Keeps the rule and the position: Slack may quote the refused value, which is the customer's."""
    return " ".join(found[0] for found in (_RULE.search(reason), _POINTER.search(reason)) if found)
