"""The manifest that creates a relay's Slack app, and the link that starts it.

https://docs.slack.dev/reference/app-manifest,
https://docs.slack.dev/app-manifests/configuring-apps-with-app-manifests#sharing_manifests
"""

from __future__ import annotations

import re
from importlib.resources import files
from urllib.parse import quote

TEMPLATE_ADDRESS = "https://relay.example.com"
_CREATE = "https://api.slack.com/apps?new_app=1&manifest_yaml="
_HEAD = "# The Slack app of this relay, {way}. Made by `relay init`.\n"
_URL = re.compile(r"(?m)^ *(?:request_)?url:.*\n")


def template() -> str:
    """Returns the manifest with a placeholder for a relay's own address, as in `slack-manifest.yaml`."""
    return files("relay.slack").joinpath("manifest.yaml").read_text(encoding="utf-8")


def manifest_for(address: str | None) -> str:
    """Returns the manifest of a relay that Slack reaches at an https address; with None, for Socket Mode."""
    settings = template().partition("_metadata:")
    body = f"{settings[1]}{settings[2]}"
    if address is None:
        body = _URL.sub("", body).replace("socket_mode_enabled: false", "socket_mode_enabled: true")
        return _HEAD.format(way="which calls Slack itself (Socket Mode)") + body
    return _HEAD.format(way=f"which Slack reaches at {address}") + body.replace(TEMPLATE_ADDRESS, address)


def creation_link(manifest: str) -> str:
    """Returns the link at which Slack creates an app from this manifest, once somebody confirms it there."""
    return _CREATE + quote(re.sub(r"(?m)(?:^#.*\n| #.*$)", "", manifest), safe="")
