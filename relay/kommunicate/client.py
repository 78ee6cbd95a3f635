"""Kommunicate's REST calls; failures are raised as our errors."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from relay.errors import OperatorNeeded, SettingsError, Transient, Unsure
from relay.kommunicate import payloads
from relay.kommunicate.errors import KEY, content_of
from relay.kommunicate.people import person_of
from relay.messages import Person
from relay.net.call import Caller, Response
from relay.spans import Kind, span
from relay.vocabulary import Vendor

USER_DETAIL = "/rest/ws/user/v2/detail"
SEND = "/rest/ws/message/v2/send"
ASSIGN = "/rest/ws/group/assignee/change"
STATUS = "/rest/ws/group/status/change"
FILE_URL = "/rest/ws/file/url"

_HEADERS: Mapping[str, str] = {
    "Content-Type": "application/json",  # Kommunicate documents it for every call, with or without a body
    "Accept": "application/json",
}
_KEY = re.compile(r"[!-~]+", re.ASCII)


class KommunicateClient:
    """Calls Kommunicate with one API key; never retries, never sleeps, never follows a redirect."""

    def __init__(self, api_key: str, base_url: str, *, variable: str = KEY) -> None:
        """`variable` names the variable with the key, for error messages."""
        if not _KEY.fullmatch(api_key):
            # Checked here, because the error for such a header would quote the key.
            raise SettingsError("KOMMUNICATE_API_KEY is empty or contains invalid characters")
        self._variable = variable
        self._caller = Caller(Vendor.KOMMUNICATE, base_url.rstrip("/"), {"Api-Key": api_key, **_HEADERS})

    def people(self, user_ids: Sequence[str], *, deadline: float = 2.0) -> dict[str, Person]:
        """Return those of the users that Kommunicate knows, within `deadline` seconds; otherwise raise
        `DeliveryFailed`.
        """
        wanted = list(dict.fromkeys(user_ids))
        if not wanted:
            return {}
        content = self._post(USER_DETAIL, {"userIdList": wanted}, deadline=deadline)
        details = content["response"] if isinstance(content, dict) and "response" in content else content
        if not isinstance(details, list):
            raise Unsure("Kommunicate's user detail is not a list", code="junk")
        people = (person for detail in details if (person := person_of(detail)))
        return {person.user_id: person for person in people if person.user_id in wanted}

    def send(
        self,
        group_id: str,
        text: str,
        *,
        sender: str,
        relay_id: str,
        deadline: float,
        beside: Mapping[str, str] | None = None,
    ) -> str:
        """Send a message as `sender` and return its key without the `4-`/`5-`; otherwise raise `DeliveryFailed`.

        `beside` is the metadata of what is shown with the text, from `payloads`. `Unsure` means that it may have been
        sent or still be on its way: only a person may send it again.
        """
        payload = payloads.reply(group_id, text, sender=sender, relay_id=relay_id, beside=beside)
        # A separate connection: one that is cut while idle would leave a reply's fate unknown.
        key = payloads.sent_key(self._post(SEND, payload, deadline=deadline, fresh=True))
        if key is None:
            raise Unsure("Kommunicate's response contains no message", code="no_message_key")
        return key

    def signed_url(self, key: str, *, deadline: float) -> str:
        """Return the address at which a private file can be opened for about 15 minutes; otherwise raise
        `DeliveryFailed`.

        `key` is Kommunicate's id of the file. The answer is the bare address, or JSON that contains it.
        """
        path = f"{FILE_URL}?{urlencode({'key': key})}"
        with span(FILE_URL, Kind.CALL):
            response = self._caller.call("GET", path, deadline=deadline)
            said = response.body.decode("utf-8", "replace").strip().strip('"')
            if response.status == 200 and said.startswith(("https://", "http://")):
                return said
            content = self._content_of(response, FILE_URL)
        url = content.get("response") if isinstance(content, dict) else None
        if not isinstance(url, str):
            raise Transient("Kommunicate does not say where the file is", code="no_address")
        return url

    def assign(
        self, group_id: str, assignee: str, *, acting: str, take_over_from_bot: bool, notify: bool, deadline: float
    ) -> payloads.Assigned:
        """Give the conversation to `assignee` on behalf of `acting`; otherwise raise `DeliveryFailed`.

        Can be repeated after `Unsure`. An agent at their limit is `Permanent` with the code "agent_is_already_engaged".
        """
        query = payloads.hand_over(group_id, assignee, take_over_from_bot=take_over_from_bot, notify=notify)
        return self._change(ASSIGN, query, acting, deadline)

    def set_status(self, group_id: str, status: payloads.Status, *, acting: str, notify: bool, deadline: float) -> None:
        """Open or resolve the conversation on behalf of `acting`; otherwise raise `DeliveryFailed`; can be repeated."""
        self._change(STATUS, payloads.change_status(group_id, status, notify=notify), acting, deadline)

    def _post(self, path: str, payload: Any, *, deadline: float, fresh: bool = False) -> Any:
        body = json.dumps(payload).encode()
        with span(path, Kind.CALL):
            return self._content_of(self._caller.call("POST", path, body, deadline=deadline, fresh=fresh), path)

    def _content_of(self, response: Response, path: str) -> Any:
        try:
            return content_of(response, path)
        except OperatorNeeded as error:
            said = str(error).replace(KEY, self._variable)
            raise OperatorNeeded(error.scope, said, code=error.code, shared=error.shared) from None

    def _change(self, path: str, query: Mapping[str, str], acting: str, deadline: float) -> payloads.Assigned:
        headers = payloads.on_behalf(acting)
        with span(path, Kind.CALL):
            response = self._caller.call("PATCH", f"{path}?{urlencode(query)}", None, headers, deadline=deadline)
            change = payloads.change(self._content_of(response, path))
            if change is None:
                raise Unsure("Kommunicate's response is in words that are not known", code="junk", unknown_code=True)
            return change
