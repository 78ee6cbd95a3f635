"""Slack's secrets: the form of each, and where to find it."""

from __future__ import annotations

import re

from relay.settings.variables import Reader

BOT_HINT = "In Slack's app settings: OAuth & Permissions, Bot User OAuth Token; it begins with xoxb-."
SIGNING_HINT = "In Slack's app settings: Basic Information, App Credentials, Signing Secret."
APP_HINT = "In Slack's app settings: Basic Information, App-Level Tokens, with the scope connections:write."


def bot_token(reader: Reader, name: str, hint: str = BOT_HINT) -> str | None:
    """The bot token in a variable; `hint` says where to get it."""
    token = reader.only_token(name, required=hint)
    if token and token.startswith(("xapp-", "xoxp-")):
        kind = "an app-level token" if token.startswith("xapp-") else "a user's token"
        reader.note("wrong_token", name, f"{name} holds {kind}; the relay needs the bot's.", BOT_HINT)
    elif token and not token.startswith("xoxb-"):
        reader.note("odd_token", name, f"{name} does not begin with xoxb- as bot tokens do.", BOT_HINT, "warning")
    return token


def signing_secrets(reader: Reader, name: str, required: str = "") -> tuple[str, ...]:
    """The signing secrets in a variable: several during a rotation; `required` says where to get one."""
    signing = reader.token(name, required=required)
    if any(secret.startswith(("xox", "xapp-")) for secret in signing):
        message = f"{name} holds a token instead of the signing secret."
        reader.note("wrong_token", name, message, SIGNING_HINT)
    return signing


def app_token(reader: Reader, name: str, required: str = "") -> str | None:
    """The app-level token that a variable holds, for Socket Mode; `required` is where to get one."""
    token = reader.only_token(name, required=required)
    if token and not re.fullmatch(r"xapp-[!-~]+", token):
        message = f"{name} is not an app-level token: those begin with xapp-."
        reader.note("wrong_token", name, message, APP_HINT)
    return token
