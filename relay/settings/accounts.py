"""Further accounts and workspaces: what the file says about each, besides the first ones, which the environment sets
up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from relay.owners import NAME, RESERVED
from relay.settings.channels import Channel
from relay.settings.section import Section
from relay.settings.texts import DashboardUrl, Text
from relay.settings.variables import SECRETS, VARIABLES
from relay.settings.wrong import shown, wrong

_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+", re.ASCII)
_LONGEST_VARIABLE = 100
_TAKEN = {*VARIABLES, *(f"{name}_FILE" for name in SECRETS)}
_NAMES = "Write a name such as `SHOP_API_KEY`, and put the secret itself into the environment or `.env`."


def parse_variable(value: Any) -> str:
    """The name of an environment variable that holds a secret and has no other meaning to the relay."""
    if not isinstance(value, str) or len(value) > _LONGEST_VARIABLE or not _VARIABLE.fullmatch(value):
        # This text may be the secret itself.
        raise wrong("bad_variable", "this is not the name of an environment variable.", _NAMES)
    if value in _TAKEN:
        raise wrong("taken_variable", f"{value} has a meaning of its own.", "Choose another name for this secret.")
    return value


def parse_name(value: Any) -> str:
    """The name of an account or a workspace, unchanged."""
    if isinstance(value, str) and NAME.fullmatch(value) and value not in RESERVED:
        return value
    if value in RESERVED:
        hint = "Its secrets are the plain variables, such as KOMMUNICATE_API_KEY; name the other accounts differently."
        raise wrong("bad_name", f"{shown(value)} is reserved for the first one, which has no section.", hint)
    hint = "Write small letters, digits, `-` and `_`, beginning with a letter; at most 40 of them."
    raise wrong("bad_name", f"{shown(value)} cannot be a name.", hint)


Variable = Annotated[
    str, BeforeValidator(parse_variable), WithJsonSchema({"type": "string", "pattern": f"^{_VARIABLE.pattern}$"})
]
Name = Annotated[str, BeforeValidator(parse_name), WithJsonSchema({"type": "string", "pattern": f"^{NAME.pattern}$"})]


class Account(Section):
    """A further account: the variables with its secrets, and its own settings; None is as for all."""

    webhook_token: Variable
    api_key: Variable | None = None
    api_url: Variable | None = None
    default_channel: Channel | None = None
    dashboard_url: DashboardUrl | None = None
    bots: tuple[Text, ...] | None = None
    agents: tuple[Text, ...] | None = None
    sender: Text | None = None

    @property
    def own(self) -> Mapping[str, Any]:
        """Its own values for keys that `kommunicate` has too."""
        found = {name: getattr(self, name) for name in ("dashboard_url", "bots", "agents", "sender")}
        return {name: value for name, value in found.items() if value is not None}


Accounts = Mapping[Name, Account]


class Workspace(Section):
    """A further Slack workspace: the variables with its secrets.

    Without a signing secret, or an app-level token for Socket Mode, nobody can reply there.
    """

    bot_token: Variable
    signing_secret: Variable | None = None
    app_token: Variable | None = None
    api_url: Variable | None = None


Workspaces = Mapping[Name, Workspace]
