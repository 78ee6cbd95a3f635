"""Methods of Slack's Web API: each called once, within a deadline, with our errors for every failure.

https://docs.slack.dev/apis/web-api, https://docs.slack.dev/apis/web-api/pagination
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from relay.clock import monotonic
from relay.errors import OperatorNeeded, SettingsError, Unsure
from relay.jsontext import NotJson, decode, loads
from relay.net.call import Caller
from relay.net.call_times import CallTimes
from relay.owners import bare, owner_of
from relay.slack.codes import TOKEN
from relay.slack.errors import classify
from relay.spans import Kind, span
from relay.vocabulary import GateScope, Vendor

MAX_PAGES = 20  # of one list: Slack allows about 50 calls per minute
_TOKEN = re.compile(r"[!-~]+", re.ASCII)
_JSON = {"Content-Type": "application/json; charset=utf-8"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Api:
    """Calls methods of Slack's Web API. Threads may share one."""

    def __init__(
        self,
        token: str,
        base_url: str,
        *,
        deadline: float,
        workspace: str = "",
        variable: str = TOKEN,
        times: CallTimes | None = None,
    ) -> None:
        """`deadline` is in seconds, for a call in total; `workspace` is the token's.

        `times` records how long each call took; `variable` names the variable with the token, for error messages.
        """
        if not _TOKEN.fullmatch(token):
            # Checked here, because the error for such a header would quote the token.
            raise SettingsError(f"{variable} is empty or contains invalid characters")
        self._caller = Caller(Vendor.SLACK, base_url, {"Authorization": f"Bearer {token}"})
        self.deadline, self.token, self.base_url = deadline, token, base_url
        self._times = times or CallTimes()
        self.workspace, self.variable = workspace, variable

    def id_of(self, channel: str) -> str:
        """Slack's id of a channel; raises `OperatorNeeded` for another workspace's channel, which must not be called
        with this token.
        """
        if owner_of(channel) != self.workspace:
            raise OperatorNeeded(GateScope.CHANNEL, "this channel is of another workspace", code="other_workspace")
        return bare(channel)

    def write(self, method: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Calls a method that changes something and returns Slack's answer; raises `DeliveryFailed`."""
        return self._call(method, json.dumps(arguments).encode(), _JSON, self.deadline)

    def read(
        self, method: str, arguments: Mapping[str, Any] | None = None, *, deadline: float | None = None
    ) -> Mapping[str, Any]:
        """Calls a read-only method; these take no JSON. `deadline` is for this call alone, in seconds."""
        plain = {name: int(value) if isinstance(value, bool) else value for name, value in (arguments or {}).items()}
        return self._call(method, urlencode(plain).encode(), _FORM, self.deadline if deadline is None else deadline)

    def read_whole(self, method: str) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """The same without arguments, with the headers of Slack's answer, in lower case."""
        answer, headers = self._exchange(method, b"", _FORM, self.deadline)
        return answer, {name.lower(): value for name, value in headers.items()}

    def pages(
        self, method: str, key: str, arguments: Mapping[str, Any], *, size: int, ends: float, most: int = MAX_PAGES
    ) -> Iterator[Mapping[str, Any]]:
        """Yields every item of a list; an incomplete list ends in `Unsure`, never early.

        `ends` is when to give up, on `relay.clock.monotonic`.
        """
        cursor = ""
        for _ in range(most):
            more = {"cursor": cursor} if cursor else {}
            left = min(self.deadline, ends - monotonic())
            if left <= 0:
                raise Unsure(f"{method} has more pages than there was time for", code="deadline")
            body = self.read(method, {**arguments, "limit": size, **more}, deadline=left)
            items = body.get(key)
            if not isinstance(items, list):
                raise unreadable(method)
            yield from (item for item in items if isinstance(item, Mapping))
            cursor = _next_cursor(body)
            if not cursor:
                if body.get("has_more") is True:
                    raise unreadable(method)
                return
        raise Unsure(f"{method} has more than {most} pages", code="too_many_pages")

    def _call(self, method: str, body: bytes, headers: Mapping[str, str], deadline: float) -> Mapping[str, Any]:
        return self._exchange(method, body, headers, deadline)[0]

    def _exchange(
        self, method: str, body: bytes, headers: Mapping[str, str], deadline: float
    ) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        with span(method, Kind.CALL), self._times.measured(method):
            response = self._caller.call("POST", method, body, headers, deadline=deadline)
            answer = _object(response.body)
            failure = classify(response.status, answer, response.headers, method, variable=self.variable)
            if failure is not None or answer is None:
                raise failure or unreadable(method)
            return answer, response.headers


def unreadable(method: str) -> Unsure:
    """The error for an answer that says ok but is incomplete."""
    return Unsure(f"Slack's answer to {method} is incomplete", code="incomplete")


def _object(body: bytes) -> Mapping[str, Any] | None:
    try:
        value = loads(decode(body))
    except NotJson:
        return None
    return value if isinstance(value, dict) else None


def _next_cursor(body: Mapping[str, Any]) -> str:
    metadata = body.get("response_metadata")
    cursor = metadata.get("next_cursor") if isinstance(metadata, Mapping) else None
    return cursor if isinstance(cursor, str) else ""
