"""Does the token have the scopes that the relay's calls need?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import yaml

from relay.doctor.replies import why_off
from relay.doctor.setup import Setup
from relay.doctor.slack_token import TOKEN
from relay.findings import Finding, Level
from relay.slack.manifest import MANIFEST, TEMPLATE

REPLIES = ["commands", "reactions:write", "users:read", "users:read.email"]  # of no use without replies

# What does not work without each of them.
USES = {
    "chat:write": "nothing can be posted",
    "channels:history": "replies in public channels do not arrive",
    "groups:history": "replies in private channels do not arrive",
    "channels:read": "public channels cannot be checked or found by name",
    "groups:read": "private channels cannot be checked or found by name",
    "channels:join": "the bot has to be invited to public channels",
    "users:read": "the relay cannot tell who replies",
    "users:read.email": "agents cannot be matched by e-mail address",
    "reactions:write": "no mark shows that a reply was sent",
    "files:read": "agents' files do not reach customers",
    "files:write": "customers' files do not reach Slack",
    "commands": "/chats and the shortcuts do not exist",
}


def look(setup: Setup) -> Iterator[Finding]:
    """Which are missing, and why that matters."""
    granted = setup.token[0].scopes
    if granted is None:
        return
    replies = not why_off(setup.settings)
    needed = [scope for scope in USES if replies or scope not in REPLIES]
    missing = [scope for scope in needed if scope not in granted]
    grave = [scope for scope in missing if scope == "chat:write" or (replies and scope == "channels:history")]
    file, asked = _asked(setup)
    yield from _told(grave, "error", asked)
    yield from _told([scope for scope in missing if scope not in grave], "warning", asked)
    if asked is not None and (left_out := [scope for scope in needed if scope not in asked]):
        message = f"{file} does not ask for {', '.join(left_out)}."
        hint = f"Copy the scopes from {TEMPLATE} of this version, beside the code."
        yield Finding("manifest_scope", "warning", message, hint, file)


def _told(missing: list[str], level: Level, asked: Iterable[str] | None) -> Iterator[Finding]:
    if not missing:
        return
    uses = "; ".join(f"without {scope} {USES[scope]}" for scope in missing)
    add = ", ".join(scope for scope in missing if asked is None or scope not in asked)
    first = f"add {add} under Bot Token Scopes, then press" if add else "press"
    hint = f"In Slack's app settings, OAuth & Permissions, {first} Reinstall to Workspace."
    yield Finding("slack_scope", level, f"The app lacks {', '.join(missing)}: {uses}.", hint, TOKEN)


def _asked(setup: Setup) -> tuple[str, frozenset[str] | None]:
    """The manifest beside the configuration, and what it asks for; None where there is none that can be read."""
    file = MANIFEST if (setup.cwd / MANIFEST).exists() else TEMPLATE  # where earlier versions filled it in
    try:
        manifest = yaml.safe_load((setup.cwd / file).read_text(encoding="utf-8"))
        return file, frozenset(manifest["oauth_config"]["scopes"]["bot"])
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError):
        return file, None
