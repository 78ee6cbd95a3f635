"""auth.test, bots.info, users.* and views.open."""

from __future__ import annotations

import secrets
from typing import Any

from relay.sandbox.slack.args import Args
from relay.sandbox.slack.blocks import problems_of
from relay.sandbox.slack.content import refused
from relay.sandbox.slack.elements import plain_text
from relay.sandbox.slack.values import APP_ID, BOT_ID, BOT_USER_ID, TEAM_ID, SlackError
from relay.sandbox.slack.wire import user_shape
from relay.sandbox.slack.workspace import SlackWorkspace

Reply = dict[str, Any]


def auth_test(slack: SlackWorkspace, args: Args) -> Reply:
    """auth.test: who the token belongs to."""
    return {
        "url": "https://sandbox.slack.com/",
        "team": "Sandbox",
        "team_id": TEAM_ID,
        "user": slack.users[BOT_USER_ID].name,
        "user_id": BOT_USER_ID,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


def bot_info(slack: SlackWorkspace, args: Args) -> Reply:
    """bots.info: which app a bot belongs to, which auth.test does not say."""
    slack.need_scope("users:read")
    if args.text("bot") != BOT_ID:
        raise SlackError("bot_not_found")
    name = slack.users[BOT_USER_ID].name
    return {"bot": {"id": BOT_ID, "app_id": APP_ID, "user_id": BOT_USER_ID, "name": name, "deleted": False}}


def user_info(slack: SlackWorkspace, args: Args) -> Reply:
    """users.info."""
    slack.need_scope("users:read")
    user = slack.users.get(args.text("user"))
    if user is None:
        raise SlackError("user_not_found")
    return {"user": user_shape(user, email="users:read.email" in slack.scopes)}


def user_by_email(slack: SlackWorkspace, args: Args) -> Reply:
    """users.lookupByEmail."""
    slack.need_scope("users:read.email")
    email = args.text("email").lower()
    for user in slack.users.values():
        if email and user.email == email:
            return {"user": user_shape(user, email=True)}
    raise SlackError("users_not_found")


def open_view(slack: SlackWorkspace, args: Args) -> Reply:
    """views.open: a modal, for a trigger that is fresh and unused."""
    view = _checked(args)
    user = slack.triggers.spend(args.text("trigger_id"))
    opened = {"id": f"V{secrets.token_hex(5).upper()}", "team_id": TEAM_ID, **_drawn(view), "user": user}
    slack.views.append(opened)
    slack.core.touch()
    return {"view": opened}


def publish_home(slack: SlackWorkspace, args: Args) -> Reply:
    """views.publish: the Home tab of one person."""
    view, user = args.parsed("view", "invalid_arguments"), args.text("user_id")
    if user not in slack.users:
        raise SlackError("user_not_found")
    if not isinstance(view, dict) or view.get("type") != "home" or not isinstance(view.get("blocks"), list):
        raise SlackError("invalid_arguments")
    if problems := problems_of(view["blocks"], modal=True):
        raise refused(problems)
    slack.homes[user] = {"id": f"V{secrets.token_hex(5).upper()}", "team_id": TEAM_ID, **_drawn(view)}
    slack.core.touch()
    return {"view": slack.homes[user]}


def update_view(slack: SlackWorkspace, args: Args) -> Reply:
    """views.update: replaces the content of an open modal."""
    view = _checked(args)
    opened = next((one for one in slack.views if one["id"] == args.text("view_id")), None)
    if opened is None or opened.get("closed"):
        raise SlackError("not_found")
    opened |= _drawn(view)
    slack.core.touch()
    return {"view": opened}


def _drawn(view: dict[str, Any]) -> dict[str, Any]:
    blocks = [{"block_id": secrets.token_hex(3), **block} for block in view["blocks"]]
    return {"submit": None, **view, "blocks": blocks}


def _checked(args: Args) -> dict[str, Any]:
    view = args.parsed("view", "invalid_arguments")
    if not isinstance(view, dict) or view.get("type") != "modal":
        raise SlackError("invalid_arguments")
    problems = problems_of(view["blocks"], modal=True) if isinstance(view.get("blocks"), list) else ["blocks"]
    plain_text(24)(view.get("title"), "/view/title", problems)
    if problems:
        raise refused(problems)
    inputs = any(block["type"] == "input" for block in view["blocks"])
    if inputs and not view.get("submit"):
        raise refused(["a modal with an input needs a submit [json-pointer:/view/submit]"])
    if len(view.get("private_metadata", "")) > 3000:
        raise SlackError("view_too_large")
    return view
