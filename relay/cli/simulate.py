"""`relay simulate`: sends a sample webhook to a running relay, and follows it to Slack."""

from __future__ import annotations

import base64
import json
import mimetypes
import uuid
from typing import Any
from urllib.parse import urlsplit

import click
import requests

from relay.cli.common import COULD_NOT_RUN, explain_failures, json_option, settings_for
from relay.cli.following import Fate, Followed, follow
from relay.clock import SystemClock, monotonic

TIMEOUT = 10.0  # seconds


@click.command()
@click.option("--text", default="Hello, my order has not arrived.", show_default=True, help="What the customer writes.")
@click.option("--attachment", metavar="URL", help="An https address of a picture to attach.")
@click.option("--group-id", default="123456", show_default=True, help="Kommunicate's conversation id.")
@click.option("--url", help="The relay's webhook address (default: this machine, PORT).")
@click.option(
    "--wait",
    default=15.0,
    show_default=True,
    type=click.FloatRange(0, 600),
    help="How many seconds to follow it; 0: not at all.",
)
@json_option
@explain_failures
def simulate(*, text: str, attachment: str | None, group_id: str, url: str | None, wait: float, as_json: bool) -> None:
    """Send a sample message to a running relay.

    It is sent as Kommunicate would send it. Where the relay's database is at hand, the command follows it until it is
    visible in Slack, or says why it is not.
    """
    settings = settings_for("simulate")
    address = url or f"http://127.0.0.1:{settings.port}/kommunicate/webhook"
    body, begun = sample(text, attachment, group_id), monotonic()
    response = _send(address, settings.webhook_tokens[0], body)
    taken = response.status_code == requests.codes.ok
    if not as_json:
        click.echo(f"{response.status_code} {response.text.strip()}")
    found = follow(settings, body["key"], begun=begun, wait=wait) if taken and wait else None
    if as_json:
        click.echo(json.dumps({"status": response.status_code, "answer": _json(response), **_told(found)}, indent=2))
    elif found is not None:
        click.echo(found.sentence)
    if not taken or (found is not None and found.fate not in (Fate.VISIBLE, Fate.UNKNOWN)):
        raise SystemExit(1)


def _send(address: str, token: str, body: dict[str, Any]) -> requests.Response:
    basic = base64.b64encode(token.encode()).decode()
    try:
        return requests.post(
            address, json=body, headers={"Authentication": f"Basic {basic}"}, timeout=TIMEOUT, allow_redirects=False
        )
    except (requests.RequestException, ValueError) as error:  # ValueError: an address that is none
        click.echo(f"error: no answer from {address} ({type(error).__name__}). Is `relay serve` running?", err=True)
        raise SystemExit(COULD_NOT_RUN) from None


def _json(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:  # somebody else's server
        return None


def _told(found: Followed | None) -> dict[str, Any]:
    return {} if found is None else {"message": found.to_dict()}


def sample(text: str, attachment: str | None, group_id: str) -> dict[str, Any]:
    """A body as Kommunicate documents it, with a key of its own."""
    now = int(SystemClock().now() * 1000)
    body: dict[str, Any] = {
        "key": f"simulated-{uuid.uuid4()}",
        "from": "simulated-customer",
        "groupId": group_id,
        "clientGroupId": group_id,
        "groupName": "Conversation",
        "message": text,
        "timeStamp": now,
    }
    if attachment:
        name = urlsplit(attachment).path.rpartition("/")[2] or "picture.png"
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        body["file"] = {"name": name, "url": attachment, "contentType": kind, "size": 0, "thumbnailUrl": attachment}
    return body
