"""Further accounts and workspaces: the file names the variables of their secrets, the environment holds them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from relay.settings import NEEDS, Settings, check_config, check_settings, load_settings

SERVE = NEEDS["serve"]
FILE = """
default_channel: C0X
kommunicate:
  accounts:
    shop: {webhook_token: SHOP_WEBHOOK_TOKEN, api_key: SHOP_API_KEY, api_url: SHOP_API_URL, sender: desk}
slack:
  workspaces:
    acme: {bot_token: ACME_BOT_TOKEN, signing_secret: ACME_SIGNING_SECRET}
"""
BY_SOCKET = FILE.replace("signing_secret: ACME_SIGNING_SECRET", "app_token: ACME_APP_TOKEN")
BOTH_WAYS = FILE.replace("signing_secret:", "app_token: ACME_APP_TOKEN, signing_secret:")
GOOD = {
    "KOMMUNICATE_WEBHOOK_TOKEN": "hook-token",
    "SLACK_BOT_TOKEN": "xoxb-1-2",
    "RELAY_CONFIG_YAML": FILE,
    "SHOP_WEBHOOK_TOKEN": "shop-token, older",
    "SHOP_API_KEY": "shop-key",
    "SHOP_API_URL": "https://services-eu.example.com/",
    "ACME_BOT_TOKEN": "xoxb-3-4",
    "ACME_SIGNING_SECRET": "signs",
}


def problems(tmp_path: Any, **changes: str | None) -> list[tuple[str, str]]:
    """Code and place of every finding; None removes a variable."""
    env = {name: value for name, value in (GOOD | changes).items() if value is not None}
    return [(one.code, one.where) for one in check_settings(env, need=SERVE, cwd=tmp_path)[1]]


def loaded(tmp_path: Any, **changes: str) -> Settings:
    return load_settings(GOOD | changes, need=SERVE, cwd=tmp_path)


def test_secrets_are_read_from_the_variables_that_the_file_names(tmp_path):
    settings = loaded(tmp_path)
    shop, acme = settings.accounts["shop"], settings.workspaces["acme"]
    assert (shop.webhook_tokens, shop.api_key) == (("shop-token", "older"), "shop-key")
    assert shop.api_url == "https://services-eu.example.com"
    assert (acme.bot_token, acme.signing_secrets, acme.api_url) == ("xoxb-3-4", ("signs",), "https://slack.com/api/")
    assert list(settings.every_account) == ["default", "shop"]
    assert list(settings.every_workspace) == ["", "acme"]


def test_without_a_section_there_is_the_plain_one_alone(tmp_path):
    settings = loaded(tmp_path, RELAY_CONFIG_YAML="default_channel: C0X")
    assert (settings.accounts, settings.workspaces) == ({}, {})
    assert settings.every_account["default"].webhook_tokens == ("hook-token",)
    assert settings.every_workspace[""].bot_token == "xoxb-1-2"
    assert not settings.hears_slack


@pytest.mark.parametrize(
    ("changes", "apps"),
    [
        ({"SLACK_APP_TOKEN": "xapp-1"}, [("SLACK_APP_TOKEN", ("",))]),
        ({"RELAY_CONFIG_YAML": BY_SOCKET, "ACME_APP_TOKEN": "xapp-2"}, [("ACME_APP_TOKEN", ("acme",))]),
        (
            {"RELAY_CONFIG_YAML": BOTH_WAYS, "SLACK_APP_TOKEN": "xapp-1", "ACME_APP_TOKEN": "xapp-2"},
            [("SLACK_APP_TOKEN", ("",)), ("ACME_APP_TOKEN", ("acme",))],
        ),
        (
            {"RELAY_CONFIG_YAML": BY_SOCKET, "SLACK_APP_TOKEN": "xapp-1", "ACME_APP_TOKEN": "xapp-1"},
            [("SLACK_APP_TOKEN", ("", "acme"))],
        ),
        ({"SLACK_APP_TOKEN": "xapp-1", "SLACK_SIGNING_SECRET": "signs"}, [("SLACK_APP_TOKEN", ("", "acme"))]),
    ],
)
def test_an_app_of_socket_mode_is_that_of_all_who_share_its_token_or_its_secret(tmp_path, changes, apps):
    settings = loaded(tmp_path, **changes)
    assert [(one.variable, one.workspaces) for one in settings.socket_apps] == apps
    assert all(settings.hears(name) for one in settings.socket_apps for name in one.workspaces)


def test_two_tokens_of_socket_mode_may_be_of_one_app(tmp_path):
    """But not where two addresses are called."""
    both = {"SLACK_APP_TOKEN": "xapp-1", "ACME_APP_TOKEN": "xapp-2"}
    here, there = loaded(tmp_path, RELAY_CONFIG_YAML=BOTH_WAYS, **both).socket_apps
    assert (here.others, there.others) == (("acme",), ("",))
    here, there = loaded(
        tmp_path, RELAY_CONFIG_YAML=BOTH_WAYS, **both, SLACK_API_URL="https://slack.example.com/api/"
    ).socket_apps
    assert (here.others, there.others) == ((), ())


def test_no_secret_is_in_what_is_printed_of_the_settings(tmp_path):
    said = repr(loaded(tmp_path))
    assert not [value for name, value in GOOD.items() if "CONFIG" not in name and "URL" not in name and value in said]


def test_a_secret_may_be_in_a_file(tmp_path):
    (tmp_path / "token").write_text("xoxb-5-6\n")
    env = {**GOOD, "ACME_BOT_TOKEN_FILE": "token"}
    del env["ACME_BOT_TOKEN"]
    assert load_settings(env, need=SERVE, cwd=tmp_path).workspaces["acme"].bot_token == "xoxb-5-6"


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"SHOP_WEBHOOK_TOKEN": None}, [("missing", "SHOP_WEBHOOK_TOKEN")]),
        ({"SHOP_API_KEY": ""}, [("empty", "SHOP_API_KEY")]),
        ({"SHOP_API_URL": "services"}, [("bad_url", "SHOP_API_URL")]),
        ({"ACME_BOT_TOKEN": None}, [("missing", "ACME_BOT_TOKEN")]),
        ({"ACME_BOT_TOKEN": "xapp-1"}, [("wrong_token", "ACME_BOT_TOKEN")]),
        ({"ACME_SIGNING_SECRET": "xoxb-1"}, [("wrong_token", "ACME_SIGNING_SECRET")]),
        ({"RELAY_CONFIG_YAML": BY_SOCKET}, [("missing", "ACME_APP_TOKEN")]),
        ({"RELAY_CONFIG_YAML": BY_SOCKET, "ACME_APP_TOKEN": "xoxb-1"}, [("wrong_token", "ACME_APP_TOKEN")]),
        ({"SHOP_WEBHOOK_TOKEN": "hook-token"}, [("shared_secret", "SHOP_WEBHOOK_TOKEN")]),
        ({"ACME_BOT_TOKEN": "xoxb-1-2"}, [("shared_secret", "ACME_BOT_TOKEN")]),
    ],
)
def test_a_secret_that_is_wrong_is_named_by_its_variable(tmp_path, changes, found):
    assert problems(tmp_path, **changes) == found


def test_a_check_of_the_file_needs_no_secrets(tmp_path):
    env = {"RELAY_CONFIG_YAML": FILE}
    assert check_settings(env, need=NEEDS["check"], cwd=tmp_path)[1] == []


@pytest.mark.parametrize(
    "key",
    ["xoxb-1-2", "shop-key", "0123456789abcdef0123456789abcdef", "SHOPKEY", "", "shop_api_key", "A_" + "B" * 100],
)
def test_what_may_be_a_secret_itself_is_refused_and_not_repeated(key):
    text = yaml.safe_dump({"kommunicate": {"accounts": {"shop": {"webhook_token": key}}}})
    _, (found,) = check_config(text, "c")
    assert found.code in ("bad_variable", "missing")
    assert not key or key not in str(found)


@pytest.mark.parametrize("name", ["DATABASE_URL", "SLACK_BOT_TOKEN", "RELAY_ADMIN_PASSWORD", "SLACK_BOT_TOKEN_FILE"])
def test_the_relays_own_secrets_cannot_be_sent_anywhere_by_naming_them(name):
    text = yaml.safe_dump({"slack": {"workspaces": {"acme": {"bot_token": name}}}})
    assert [one.code for one in check_config(text, "c")[1]] == ["taken_variable"]


@pytest.mark.parametrize("name", ["default", "slack", "Shop", "a/b", "9shop", "a" * 41, "ü"])
def test_a_name_is_short_and_plain(name):
    text = yaml.safe_dump({"kommunicate": {"accounts": {name: {"webhook_token": "A_B"}}}})
    assert [one.code for one in check_config(text, "c")[1]] == ["bad_name"]


@pytest.mark.parametrize(
    ("line", "codes"),
    [
        ("default_channel: acme/C0X", []),
        ("default_channel: acme/#night", []),
        ("channels: {shop/12: acme/C0X}", []),
        ("alerts: {channel: acme/C0X}", []),
        ("replies: {map: {acme/U0ABC: jane@example.com}}", []),
        ("default_channel: acmee/C0X", ["unknown_workspace"]),
        ("channels: {1: other/C0X}", ["unknown_workspace"]),
        ("alerts: {channel: other/C0X}", ["unknown_workspace"]),
        ("replies: {map: {other/U0ABC: jane@example.com}}", ["unknown_workspace"]),
        ("routes: [{name: a, when: {role: bot}, channel: other/C0X}]", ["unknown_workspace"]),
        ("tests: [{body: {}, channel: other/C0X}]", ["unknown_workspace"]),
        ("channels: {other/12: C0X}", ["unknown_account"]),
        ("routes: [{name: a, when: {account: other}, channel: C0X}]", ["unknown_account"]),
        ("routes: [{name: a, when: {not: {any: [{account: [shop, other]}]}}, channel: C0X}]", ["unknown_account"]),
        ("routes: [{name: a, when: {account: [shop, default, 's*']}, channel: C0X}]", []),
        ("tests: [{body: {}, account: other, channel: C0X}]", ["unknown_account"]),
        ("routes: [{name: a, when: {role: bot}, channel: C0X, workspace: acme}]", ["unknown_key"]),
        ("default_channel: acme/night", ["bad_channel"]),
        ("default_channel: Acme/C0X", ["bad_channel"]),
        ("default_channel: a/b/C0X", ["bad_channel"]),
        ("default_channel: /C0X", ["bad_channel"]),
    ],
)
def test_what_is_named_must_be_there(line, codes):
    text = FILE.replace("default_channel: C0X\n", "") + line
    assert [one.code for one in check_config(text, "c")[1] if one.code != "every_chat_waits"] == codes
