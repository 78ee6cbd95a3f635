"""What the file says of accounts and workspaces, as a dry run, its own tests and an edit while it runs see it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from relay.cli import main
from relay.settings import NEEDS, check_config, load_settings
from relay.store.db.engine import Store
from relay.wiring import Relay, Reloader
from relay.wiring.route_tests import run_tests
from tests.harness import body

FILE = """
default_channel: C0GENERAL
kommunicate:
  accounts:
    shop: {webhook_token: SHOP_WEBHOOK_TOKEN, api_key: SHOP_API_KEY, default_channel: acme/C0SHOP}
slack:
  workspaces:
    acme: {bot_token: ACME_BOT_TOKEN, signing_secret: ACME_SIGNING_SECRET}
"""
ENV = {
    "SHOP_WEBHOOK_TOKEN": "shop-token",
    "SHOP_API_KEY": "shop-key",
    "ACME_BOT_TOKEN": "xoxb-3-4",
    "ACME_SIGNING_SECRET": "signs",
    "KOMMUNICATE_WEBHOOK_TOKEN": "hook-token",
    "SLACK_BOT_TOKEN": "xoxb-1-2",
}


@pytest.mark.parametrize(("account", "channel"), [("default", "C0GENERAL"), ("shop", "acme/C0SHOP")])
def test_a_dry_run_tells_where_a_message_of_an_account_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, account: str, channel: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(FILE)
    (tmp_path / "body.json").write_text(json.dumps(body()))
    ran = CliRunner().invoke(main, ["route", "body.json", "--account", account, "--json"], env=ENV)
    routed = json.loads(ran.stdout)
    assert (ran.exit_code, routed["channel"]) == (0, channel)
    assert {post["channel"] for post in routed["posts"]} == {channel.rpartition("/")[2]}


def test_a_dry_run_for_an_account_that_is_not_named_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(FILE)
    (tmp_path / "body.json").write_text(json.dumps(body()))
    ran = CliRunner().invoke(main, ["route", "body.json", "--account", "nobody"], env=ENV)
    assert (ran.exit_code, "known are: default, shop" in ran.output) == (2, True)


def test_the_tests_of_a_file_may_be_of_an_account() -> None:
    tests = "tests: [{body: {}, account: shop, channel: acme/C0SHOP}, {body: {}, channel: acme/C0SHOP}]"
    found = check_config(FILE + tests, "c", run_tests)[1]
    assert [(one.code, "C0GENERAL, not to acme/C0SHOP" in one.message) for one in found] == [
        ("route_test_failed", True)
    ]


def test_an_edit_of_which_there_are_waits_for_a_restart(store: Store, tmp_path: Path) -> None:
    """Their secrets are read at the start; anything else of them takes effect at once."""
    file = tmp_path / "config.yaml"
    file.write_text(FILE)
    relay = Relay(load_settings(ENV, need=NEEDS["serve"], cwd=tmp_path), store)
    reloader = Reloader(relay)
    file.write_text(FILE.replace("acme/C0SHOP", "acme/C0OTHER"))
    reloader.look()
    assert relay.config_errors == ()
    assert relay.settings.config.default_channel_of("shop") == "acme/C0OTHER"
    file.write_text(FILE.replace("    acme: {", "    beta: {").replace("acme/C0SHOP", "C0SHOP"))
    Reloader(relay).look()
    assert [one.code for one in relay.config_errors] == ["restart_needed"]
    assert relay.settings.config.default_channel_of("shop") == "acme/C0OTHER"
    file.write_text(FILE)
    Reloader(relay).look()
    assert relay.config_errors == ()
