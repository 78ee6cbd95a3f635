"""Kommunicate's REST calls; what goes wrong comes back in our errors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import requests

from relay.errors import DeliveryFailed, OperatorNeeded, Permanent, RateLimited, Transient, Unsure
from relay.kommunicate.http import Caller, Response
from relay.kommunicate.jsontext import NotJson, decode, loads
from relay.kommunicate.people import person_of
from relay.messages import Person

USER_DETAIL = "/rest/ws/user/v2/detail"


class KommunicateClient:
    """Calls Kommunicate with one API key; never retries, never sleeps, never follows a redirect."""

    def __init__(self, api_key: str, base_url: str, *, session: requests.Session | None = None) -> None:
        self._headers = {"Api-Key": api_key, "Accept": "application/json", "Accept-Encoding": "identity"}
        self._base_url = base_url.rstrip("/")
        self._caller = Caller(session or requests.Session())

    def people(self, user_ids: Sequence[str], *, deadline: float = 2.0) -> dict[str, Person]:
        """Return those of the users that Kommunicate knows, within `deadline` seconds; else raise `DeliveryFailed`."""
        wanted = list(dict.fromkeys(user_ids))
        if not wanted:
            return {}
        details = self._post(USER_DETAIL, {"userIdList": wanted}, deadline=deadline)
        if not isinstance(details, list):
            raise Unsure("Kommunicate's user detail is not a list", code="junk")
        people = (person for detail in details if (person := person_of(detail)))
        return {person.user_id: person for person in people if person.user_id in wanted}

    def _post(self, path: str, payload: Any, *, deadline: float) -> Any:
        """Return what the response holds, out of its envelope."""
        response = self._caller.post(self._base_url + path, payload, self._headers, deadline=deadline)
        failure = classify(response, method=path)
        if failure:
            raise failure
        content = _content(response.body)
        return content["response"] if isinstance(content, dict) and "response" in content else content


def classify(response: Response, *, method: str) -> DeliveryFailed | None:
    """Return what a response means for whoever called `method`: None if it was done, else the error to raise."""
    # No rate limit is documented; 429 is what a proxy in front of Kommunicate would say.
    if response.status == 429:
        return RateLimited(_seconds(response.headers), method=method)
    content = _content(response.body)
    make = next(make for applies, make in RULES if applies(response.status, content))
    return make(f"http_{response.status}")


def _content(body: bytes) -> Any:
    """Return the JSON of a response, the bare words of a refusal, or `_JUNK`."""
    try:
        text = decode(body).strip()
        return text if text in _REFUSALS else loads(text)
    except NotJson:
        return _JUNK


def _refused(content: Any) -> bool:
    status = content.get("status") if isinstance(content, dict) else None
    return (isinstance(content, str) and content in _REFUSALS) or (
        isinstance(status, str) and status.lower() != "success"
    )


def _names(word: str, content: Any) -> bool:
    return _refused(content) and word in str(content)


def _seconds(headers: Mapping[str, str]) -> float | None:
    value = next((text for name, text in headers.items() if name.lower() == "retry-after"), "")
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _redirected(code: str) -> DeliveryFailed:
    return OperatorNeeded("workspace", "KOMMUNICATE_API_URL redirects: set the address it leads to", code=code)


def _key_refused(code: str) -> DeliveryFailed:
    return OperatorNeeded("workspace", "Kommunicate refuses KOMMUNICATE_API_KEY", code=code)


def _later(code: str) -> DeliveryFailed:
    return Transient("Kommunicate did not do it now", code=code)


def _never(code: str) -> DeliveryFailed:
    return Permanent("Kommunicate will not take this call", code=code)


def _unclear(code: str) -> DeliveryFailed:
    return Unsure("Kommunicate's response does not say what it did", code=code)


def _done(_: str) -> None:
    return None


_JUNK = object()
_REFUSALS = ("error", "INVALID_PARAMETER", "INVALID_APPLICATIONID")

# The first that applies. Words and envelope: github.com/priyadarshi/Applozic-Chat-SDK-Documentation,
# PLATFORM-API-MESSAGE-DOC.md and PLATFORM-API-USER-DOC.md (the engine Kommunicate runs on); calls and key:
# docs.kommunicate.io/docs/api-detail. A status without an envelope is plain HTTP (RFC 9110).
RULES: tuple[tuple[Callable[[int, Any], bool], Callable[[str], DeliveryFailed | None]], ...] = (
    (lambda status, _: 300 <= status < 400, _redirected),
    (lambda status, _: status in (401, 403), _key_refused),  # api-detail: the Api-Key header
    (lambda status, _: status in (408, 425), _later),  # RFC 9110, RFC 8470: not processed
    (lambda _, content: _names("INVALID_APPLICATIONID", content), _key_refused),  # PLATFORM-API-USER-DOC.md
    (lambda _, content: _names("INVALID_PARAMETER", content), _never),  # PLATFORM-API-USER-DOC.md
    (lambda status, _: 400 <= status < 500, _never),
    (lambda _, content: _refused(content), _later),  # PLATFORM-API-MESSAGE-DOC.md: also with status 200
    (lambda status, content: 200 <= status < 300 and content is not _JUNK, _done),
    (lambda *_: True, _unclear),  # 5xx of a proxy, or a page instead of JSON: it may have been done
)
