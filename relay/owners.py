"""Whose something is, where there are several: what is of a named workspace or account has that name in front.

`acme/C0SHOP` is a channel of the workspace acme, `shop/123456` a conversation of the account shop. What is of the plain
one, of which the environment tells, stands alone. No id of Slack's has a slash, so nothing that came from there can
name another workspace.
"""

from __future__ import annotations

import re

ACCOUNT = "default"  # the plain account, as the database has it
WORKSPACE = ""  # the plain workspace
RESERVED = (ACCOUNT, "slack")  # names that stand for the plain ones
NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.ASCII)
_SLASH = "/"


def owned(owner: str, name: str) -> str:
    """What something is called that a workspace or an account has."""
    return name if owner in ("", ACCOUNT) else f"{owner}{_SLASH}{name}"


def owner_of(name: str) -> str:
    """The workspace or the account that something has in front; "" for the plain one."""
    owner, slash, _ = name.partition(_SLASH)
    return owner if slash else ""


def bare(name: str) -> str:
    """What its owner calls it."""
    owner, slash, own = name.partition(_SLASH)
    return own if slash else owner


def is_named(channel: str) -> bool:
    """True for a channel that is given by its name, "#support", and not by Slack's id."""
    return bare(channel).startswith("#")
