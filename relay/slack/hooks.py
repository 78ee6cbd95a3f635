"""The address that comes with a click or a command: for half an hour something can be said there, or taken away.

What is shown to one person alone can be changed in no other way.
https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from relay.errors import Permanent
from relay.net.call import Caller
from relay.vocabulary import Vendor

_HOSTS = (".slack.com", ".slack-gov.com")


def answer(response_url: str, said: Mapping[str, Any], *, api_url: str, deadline: float) -> None:
    """Says something at this address, within `deadline` seconds; raises `DeliveryFailed`.

    `api_url` is where Slack's API is: elsewhere than on Slack's hosts or there nothing is sent.
    """
    url = urlsplit(response_url)
    is_slacks = url.scheme == "https" and (url.hostname or "").endswith(_HOSTS)
    if not is_slacks and (url.scheme, url.netloc) != urlsplit(api_url)[:2]:
        raise Permanent("this address is not Slack's", code="foreign_response_url")
    caller = Caller(Vendor.SLACK, f"{url.scheme}://{url.netloc}", {"Content-Type": "application/json"})
    response = caller.call("POST", url.path, json.dumps(said).encode(), deadline=deadline)
    if response.status != 200:
        raise Permanent("Slack did not take it", code=f"http_{response.status}")
