"""Names of things that belong to one of several workspaces or accounts: the owner's name comes first.

`acme/C0SHOP` is a channel of the workspace acme, `shop/123456` a conversation of the account shop. Things that belong
to the first workspace or account, which the environment sets up, have no prefix. No Slack id contains a slash, so no id
from Slack can name another workspace.
"""

from __future__ import annotations

import re

ACCOUNT = "default"  # the first account's name in the database
WORKSPACE = ""  # the first workspace
RESERVED = (ACCOUNT, "slack")  # names of the first ones
NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.ASCII)
_SLASH = "/"


def owned(owner: str, name: str) -> str:
    """The full name of something that a workspace or an account owns."""
    return name if owner in ("", ACCOUNT) else f"{owner}{_SLASH}{name}"


def owner_of(name: str) -> str:
    """The workspace or account in front of a name; "" for the first one."""
    owner, slash, _ = name.partition(_SLASH)
    return owner if slash else ""


def bare(name: str) -> str:
    """The name without its owner."""
    owner, slash, own = name.partition(_SLASH)
    return own if slash else owner


def is_named(channel: str) -> bool:
    """True for a channel given by name, "#support", rather than by Slack's id."""
    return bare(channel).startswith("#")
