"""`relay simulate`: sends a sample webhook to a running relay."""

from __future__ import annotations

import base64
import mimetypes
import uuid
from typing import Any
from urllib.parse import urlsplit

import click
import requests

from relay.cli.common import explain_failures, settings_for
from relay.clock import SystemClock

TIMEOUT = 10.0  # seconds


@click.command()
@click.option("--text", default="Hello, my order has not arrived.", show_default=True, help="What the customer writes.")
@click.option("--attachment", metavar="URL", help="An https address of a picture to attach.")
@click.option("--group-id", default="123456", show_default=True, help="Kommunicate's conversation id.")
@click.option("--url", help="The relay's webhook address (default: this machine, PORT).")
@explain_failures
def simulate(*, text: str, attachment: str | None, group_id: str, url: str | None) -> None:
    """Send a sample message to a running relay, as Kommunicate would."""
    settings = settings_for("simulate")
    token = base64.b64encode(settings.webhook_tokens[0].encode()).decode()
    address = url or f"http://127.0.0.1:{settings.port}/kommunicate/webhook"
    try:
        response = requests.post(
            address,
            json=sample(text, attachment, group_id),
            headers={"Authentication": f"Basic {token}"},
            timeout=TIMEOUT,
            allow_redirects=False,
        )
    except (requests.RequestException, ValueError) as error:  # ValueError: an address that is none
        click.echo(f"error: no answer from {address} ({type(error).__name__}). Is `relay serve` running?", err=True)
        raise SystemExit(2) from None
    click.echo(f"{response.status_code} {response.text.strip()}")
    if response.status_code != requests.codes.ok:
        raise SystemExit(1)


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
