"""The response URL of a click or a command: for half an hour, it can be used to say or remove something.

There is no other way to change what only one person sees.
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
    """Posts something to this address, within `deadline` seconds; raises `DeliveryFailed`.

    `api_url` is the address of Slack's API: nothing is sent to other hosts than that and Slack's own.
    """
    url = urlsplit(response_url)
    is_slacks = url.scheme == "https" and (url.hostname or "").endswith(_HOSTS)
    if not is_slacks and (url.scheme, url.netloc) != urlsplit(api_url)[:2]:
        raise Permanent("this address is not Slack's", code="foreign_response_url")
    caller = Caller(Vendor.SLACK, f"{url.scheme}://{url.netloc}", {"Content-Type": "application/json"})
    response = caller.call("POST", url.path, json.dumps(said).encode(), deadline=deadline)
    if response.status != 200:
        raise Permanent("Slack did not accept it", code=f"http_{response.status}")
