"""`relay doctor` looks at each account and each workspace, and names the variable that is wrong."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from relay.cli import main
from relay.sandbox import SandboxServer
from tests.harness import environment
from tests.processes import RelayProcess
from tests.several.test_in_earnest import CONFIG
from tests.several.twins import other_sandbox

SECRETS = {
    "SHOP_WEBHOOK_TOKEN": "webhook-token-of-the-shop",
    "SHOP_API_KEY": "shop-key",
    "ACME_BOT_TOKEN": "xoxb-acme",
    "ACME_SIGNING_SECRET": "acme-signing-secret",
}
WRONG = {
    "SHOP_WEBHOOK_TOKEN": ("another-token-of-the-shop", "webhook_token"),
    "SHOP_API_KEY": ("another-key", "kommunicate_key"),
    "ACME_SIGNING_SECRET": ("another-signing-secret", "signing_secret"),
}


def test_it_looks_at_all_of_them(
    database_url: str, live_server: Callable[..., SandboxServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = live_server()
    with SandboxServer(other_sandbox(time.time)) as there:
        urls = {"SHOP_API_URL": there.kommunicate_api_url, "ACME_API_URL": there.slack_api_url}
        plain = {"KOMMUNICATE_WEBHOOK_TOKEN": "webhook-token-of-the-plain-one", "RELAY_CONFIG_YAML": CONFIG}
        env = environment(
            here, database_url, **SECRETS, **urls, **plain, SLACK_SIGNING_SECRET="sandbox-secret-of-slack"
        )
        relay = RelayProcess("serve", cwd=tmp_path, env=env)
        try:
            relay.wait_ready()
            monkeypatch.chdir(tmp_path)
            asked = {**env, "RELAY_PUBLIC_URL": relay.url}
            assert wrong(asked) == []
            for name, (value, code) in WRONG.items():
                assert wrong({**asked, name: value}) == [(code, name)]
        finally:
            relay.stop()


def wrong(env: dict[str, str]) -> list[tuple[str, str]]:
    """What it finds, and where."""
    ran = CliRunner().invoke(main, ["doctor", "--json"], env=env)
    return [(one["code"], one["where"]) for one in json.loads(ran.stdout) if one["level"] == "error"]
