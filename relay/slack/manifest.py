"""The manifest that creates a relay's Slack app, and the link that starts it.

https://docs.slack.dev/reference/app-manifest,
https://docs.slack.dev/app-manifests/configuring-apps-with-app-manifests#sharing_manifests
"""

from __future__ import annotations

import re
from importlib.resources import files
from urllib.parse import quote

TEMPLATE = "slack-manifest.yaml"  # beside the code, the same for everybody
MANIFEST = "slack-app.yaml"  # one relay's own, in the folder that it runs in
TEMPLATE_ADDRESS = "https://relay.example.com"
_CREATE = "https://api.slack.com/apps?new_app=1&manifest_yaml="
_HEAD = "# The Slack app of this relay, {way}. Made by `relay init`.\n"
_HEAD_LINE = re.compile(r"\A# The Slack app of this relay, .*\n")
_URL = re.compile(r"(?m)^( *(?:request_)?url: ).*(/slack/(?:events|interactions))\n")
_SOCKET_OFF, _SOCKET_ON = "socket_mode_enabled: false", "socket_mode_enabled: true"
_BELOW = (  # where one of Socket Mode gets its addresses: the line before each, and what is added to the line's indent
    (re.compile(r"(?m)^( *)- command: .*\n"), "  url: {}/slack/interactions\n"),
    (re.compile(r"(?m)^( *)event_subscriptions:\n"), "  request_url: {}/slack/events\n"),
    (re.compile(r"(?m)^( *)interactivity:\n"), "  request_url: {}/slack/interactions\n"),
)


def template() -> str:
    """Returns the manifest with a placeholder for a relay's own address, as in `slack-manifest.yaml`."""
    return files("relay.slack").joinpath("manifest.yaml").read_text(encoding="utf-8")


def manifest_for(address: str | None) -> str:
    """Returns the manifest of a relay that Slack reaches at an https address; with None, by Socket Mode."""
    return readdressed("".join(template().partition("_metadata:")[1:]), address)


def readdressed(manifest: str, address: str | None) -> str:
    """Returns a manifest for another address, or with None for Socket Mode; what else somebody changed in it stays."""
    body = _HEAD_LINE.sub("", manifest)
    if address is None:
        head = _HEAD.format(way="which calls Slack itself (Socket Mode)")
        return head + _URL.sub("", body).replace(_SOCKET_OFF, _SOCKET_ON)
    head = _HEAD.format(way=f"which Slack reaches at {address}")
    if _URL.search(body):
        return head + _URL.sub(lambda found: f"{found[1]}{address}{found[2]}\n", body)
    for line, added in _BELOW:
        body = _add_below(line, added.format(address), body)
    return head + body.replace(_SOCKET_ON, _SOCKET_OFF)


def _add_below(line: re.Pattern[str], added: str, body: str) -> str:
    return line.sub(lambda found: f"{found[0]}{found[1]}{added}", body)


def is_for(manifest: str, address: str | None) -> bool:
    """Returns True for a manifest with this address, with None for one of Socket Mode, whatever else it says."""
    return _SOCKET_ON in manifest if address is None else f" {address}/slack/events\n" in manifest


def creation_link(manifest: str) -> str:
    """Returns the link at which Slack creates an app from this manifest, once somebody confirms it there."""
    return _CREATE + quote(re.sub(r"(?m)(?:^#.*\n| #.*$)", "", manifest), safe="")
