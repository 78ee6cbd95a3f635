"""Kommunicate's REST calls; what goes wrong comes back in our errors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import requests

from relay.errors import DeliveryFailed, OperatorNeeded, Permanent, RateLimited, Transient, Unsure
from relay.jsontext import NotJson, decode, loads
from relay.kommunicate import payloads as replies
from relay.kommunicate.http import Caller, Response
from relay.kommunicate.people import person_of
from relay.messages import Person

USER_DETAIL = "/rest/ws/user/v2/detail"
SEND = "/rest/ws/message/v2/send"
ASSIGN = "/rest/ws/group/assignee/change"
STATUS = "/rest/ws/group/status/change"

_HEADERS: Mapping[str, str] = {
    "Content-Type": "application/json",  # Kommunicate documents it for every call, with a body or without
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    # A connection of its own for each call: one that was cut while idle would leave a reply's fate unknown.
    "Connection": "close",
}


class KommunicateClient:
    """Calls Kommunicate with one API key; never retries, never sleeps, never follows a redirect."""

    def __init__(self, api_key: str, base_url: str, *, session: requests.Session | None = None) -> None:
        self._headers = {"Api-Key": api_key, **_HEADERS}
        self._base_url = base_url.rstrip("/")
        self._caller = Caller(session or requests.Session())

    def people(self, user_ids: Sequence[str], *, deadline: float = 2.0) -> dict[str, Person]:
        """Return those of the users that Kommunicate knows, within `deadline` seconds; else raise `DeliveryFailed`."""
        wanted = list(dict.fromkeys(user_ids))
        if not wanted:
            return {}
        content = self._post(USER_DETAIL, {"userIdList": wanted}, deadline=deadline)
        details = content["response"] if isinstance(content, dict) and "response" in content else content
        if not isinstance(details, list):
            raise Unsure("Kommunicate's user detail is not a list", code="junk")
        people = (person for detail in details if (person := person_of(detail)))
        return {person.user_id: person for person in people if person.user_id in wanted}

    def send(self, group_id: str, text: str, *, sender: str, relay_id: str, deadline: float) -> str:
        """Send a message as `sender` and return its key without the `4-`/`5-`; else raise `DeliveryFailed`.

        `Unsure` means that it may have been sent or still be on its way: nothing but a person may send it again.
        """
        payload = replies.reply(group_id, text, sender=sender, relay_id=relay_id)
        key = replies.sent_key(self._post(SEND, payload, deadline=deadline))
        if key is None:
            raise Unsure("Kommunicate's response names no message", code="no_message_key")
        return key

    def assign(
        self, group_id: str, assignee: str, *, acting: str, take_over_from_bot: bool, notify: bool, deadline: float
    ) -> replies.Assigned:
        """Give the conversation to `assignee` on behalf of `acting`; else raise `DeliveryFailed`.

        It may be repeated after `Unsure`. An agent who takes no more is `Permanent` with the code
        "agent_is_already_engaged".
        """
        query = replies.hand_over(group_id, assignee, take_over_from_bot=take_over_from_bot, notify=notify)
        return self._change(ASSIGN, query, acting, deadline)

    def set_status(self, group_id: str, status: replies.Status, *, acting: str, notify: bool, deadline: float) -> None:
        """Open or resolve the conversation on behalf of `acting`; else raise `DeliveryFailed`; may be repeated."""
        self._change(STATUS, replies.change_status(group_id, status, notify=notify), acting, deadline)

    def _post(self, path: str, payload: Any, *, deadline: float) -> Any:
        return _accepted(self._caller.post(self._base_url + path, payload, self._headers, deadline=deadline), path)

    def _change(self, path: str, query: Mapping[str, str], acting: str, deadline: float) -> replies.Assigned:
        headers = self._headers | replies.on_behalf(acting)
        response = self._caller.patch(self._base_url + path, query, headers, deadline=deadline)
        change = replies.change(_accepted(response, path))
        if change is None:
            raise Unsure("Kommunicate's response is in words that are not known", code="junk", unknown_code=True)
        return change


def _accepted(response: Response, path: str) -> Any:
    """Return the content of a response that refuses nothing, in its envelope if it has one."""
    failure = classify(response, method=path)
    if failure:
        raise failure
    return _content(response.body)


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
        isinstance(status, str) and status.lower() == "error"
    )


def _names(word: str, content: Any) -> bool:
    return _refused(content) and word in str(content)


def _contradicts_itself(content: Any) -> bool:
    return _refused(content) and replies.sent_key(content) is not None


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


def _engaged(_: str) -> DeliveryFailed:
    return Permanent("This agent has as many conversations as Kommunicate allows them", code=replies.ENGAGED.lower())


def _later(code: str) -> DeliveryFailed:
    return Transient("Kommunicate did not do it now", code=code)


def _never(code: str) -> DeliveryFailed:
    return Permanent("Kommunicate will not take this call", code=code)


def _unclear(code: str) -> DeliveryFailed:
    return Unsure("Kommunicate's response does not say what it did", code=code)


def _done(_: str) -> None:
    return None


_JUNK = object()
_REFUSALS = ("error", "INVALID_PARAMETER", "INVALID_APPLICATIONID", replies.ENGAGED)

# The first that applies. Words and envelope: github.com/priyadarshi/Applozic-Chat-SDK-Documentation,
# PLATFORM-API-MESSAGE-DOC.md and PLATFORM-API-USER-DOC.md (the engine Kommunicate runs on); calls and key:
# docs.kommunicate.io/docs/api-detail. A status without an envelope is plain HTTP (RFC 9110). Only what says so is a
# refusal: an envelope in any other word may tell of something that was done.
RULES: tuple[tuple[Callable[[int, Any], bool], Callable[[str], DeliveryFailed | None]], ...] = (
    (lambda status, _: 300 <= status < 400, _redirected),
    (lambda status, _: status in (502, 504), _unclear),  # RFC 9110: a gateway's own words, which knows no more than we
    (lambda _, content: replies.is_engaged(content) or _names(replies.ENGAGED, content), _engaged),
    (lambda status, _: status in (401, 403), _key_refused),  # api-detail: the Api-Key header
    (lambda status, _: status in (408, 425), _later),  # RFC 9110, RFC 8470: not processed
    (lambda _, content: _contradicts_itself(content), _unclear),
    (lambda _, content: _names("INVALID_APPLICATIONID", content), _key_refused),  # PLATFORM-API-USER-DOC.md
    (lambda _, content: _names("INVALID_PARAMETER", content), _never),  # PLATFORM-API-USER-DOC.md
    (lambda status, _: 400 <= status < 500, _never),
    (lambda status, content: status >= 500 and content == "error", _unclear),  # any proxy's word
    (lambda _, content: _refused(content), _later),  # PLATFORM-API-MESSAGE-DOC.md: also with status 200
    (lambda status, content: 200 <= status < 300 and content is not _JUNK, _done),
    (lambda *_: True, _unclear),  # 5xx of a proxy, or a page instead of JSON: it may have been done
)
