"""Promise S10: no secret and no word of a customer leaves by the log, the metrics, a finding or an error body."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from relay.cli import main
from relay.sandbox import SandboxServer
from tests.harness import PATIENCE, body, environment, wait_for
from tests.processes import RelayProcess

SECRET_WORDS = {
    "KOMMUNICATE_WEBHOOK_TOKEN": "canary-secret-hook",
    "KOMMUNICATE_API_KEY": "canary-secret-key",
    "SLACK_BOT_TOKEN": "xoxb-canary-secret-bot",
    "SLACK_SIGNING_SECRET": "canary-secret-signing",
    "RELAY_ADMIN_PASSWORD": "canary-secret-password",
    "RELAY_METRICS_TOKEN": "canary-secret-metrics",
}


def told(key: str, group_id: int = 123456, **fields: object) -> dict[str, object]:
    """A message with a canary in everything a customer can fill in."""
    file = {"name": "canary-file.png", "url": "https://canary-host.test/canary-path.png", "contentType": "image/png"}
    metadata = {"canary-name": "canary-value", "KM_CHAT_CONTEXT": "canary-context"}
    more = {"from": "canary-person", "groupName": "canary-title", "file": file, "metadata": metadata}
    return body(key, group_id, "canary-text & more", **{**more, **fields})


@pytest.fixture
def slack(live_server: Callable[..., SandboxServer]) -> SandboxServer:
    return live_server(
        pace=0, bot_token=SECRET_WORDS["SLACK_BOT_TOKEN"], api_key=SECRET_WORDS["KOMMUNICATE_API_KEY"]
    )  # fmt: skip


@pytest.fixture
def relay(slack: SandboxServer, database_url: str, tmp_path: Path) -> Iterator[RelayProcess]:
    pace = "{retry: [0.1], confirm_after: [0.1, 0.2], posts_per_second: 50}"
    config = f"default_channel: C0GENERAL\ndelivery: {pace}\n"
    env = environment(slack, database_url, **SECRET_WORDS, RELAY_CONFIG_YAML=config)
    process = RelayProcess("serve", cwd=tmp_path, env=env)
    try:
        process.wait_ready()
        yield process
    finally:
        process.kill()


def metrics(relay: RelayProcess) -> str:
    bearer = {"Authorization": f"Bearer {SECRET_WORDS['RELAY_METRICS_TOKEN']}"}
    return requests.get(f"{relay.url}/metrics", headers=bearer, timeout=PATIENCE).text


def settled(relay: RelayProcess) -> str:
    """What /metrics says once nothing waits any more."""
    assert wait_for(lambda: "relay_oldest_waiting_seconds 0.0" in metrics(relay).splitlines())
    return metrics(relay)


def quarrel(relay: RelayProcess, slack: SandboxServer) -> list[requests.Response]:
    """Everything that can go wrong at the endpoint, and much of what can go wrong behind it."""
    token = SECRET_WORDS["KOMMUNICATE_WEBHOOK_TOKEN"]
    for method, kind in (("/*", "html"), ("/*", "truncated"), ("chat.postMessage", "html")):
        slack.sandbox.faults.add(method, kind, done=False)
    assert relay.post(told("k1"), token).status_code == 200
    assert wait_for(lambda: 'relay_delivered_total{kind="message",outcome="delivered"} 1.0' in metrics(relay))
    slack.sandbox.faults.add("chat.postMessage", "error", code="invalid_blocks", times=None)
    assert relay.post(told("k2"), token).status_code == 200
    assert wait_for(lambda: 'relay_delivered_total{kind="message",outcome="dead"} 1.0' in metrics(relay))
    slack.sandbox.faults.clear()
    slack.sandbox.faults.add("chat.postMessage", "reset_after")
    assert relay.post(told("k3", 777), token).status_code == 200
    wrong = [told("k4", timeStamp="canary-time"), told("k5", groupId=["canary-group"]), {"canary-field": 1}]
    broken = [b'{"key": "canary-broken', json.dumps(told("k6")).encode() + b" canary-tail", b"canary" * 50_000]
    refusals = [relay.post(one, token) for one in (*wrong, *broken)]
    strangers = relay.post(told("k7"), "canary-secret-guess")
    return [*refusals, strangers, requests.get(f"{relay.url}/canary", timeout=PATIENCE)]


def test_canaries_stay_inside(relay: RelayProcess, slack: SandboxServer, tmp_path: Path) -> None:
    """Through the endpoint, to Slack, through refusals, resets and junk; then everything that was said is read."""
    answers = quarrel(relay, slack)
    assert {answer.status_code for answer in answers} == {400, 401, 404, 413, 422}
    numbers = settled(relay)
    assert relay.stop() == 0
    log = (tmp_path / "relay.log").read_text()
    assert log.count("webhook.stored") == 3
    assert "request.rejected" in log
    said = [log, numbers, *(answer.text for answer in answers), *(str(answer.headers) for answer in answers)]
    assert [text for text in said if "canary" in text] == []


LISTINGS = (["list"], ["list", "--json"], ["list", "--rejected", "--json"], ["list", "--dead"], ["show", "1"])


def test_listings_name_ids_and_causes_only(relay: RelayProcess, slack: SandboxServer, database_url: str) -> None:
    """`show r...` alone repeats what came: that is what it is for."""
    quarrel(relay, slack)
    settled(relay)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", database_url)
        found = [CliRunner().invoke(main, ["deliveries", *words]) for words in LISTINGS]
        rejected = json.loads(found[2].output)[-1]["id"]
        shown = CliRunner().invoke(main, ["deliveries", "show", rejected])
    assert [one.exit_code for one in found] == [0] * len(LISTINGS)
    assert [one.output for one in found if "canary" in one.output] == []
    assert "canary-text" in shown.output


MISTAKES = {
    "DATABASE_URL": ["canary-secret", "postgres://u:canary-secret@127.0.0.1:1/d", "postgres://u:canary/secret@h:canary/d"],
    "KOMMUNICATE_WEBHOOK_TOKEN": ["canary secret", " "],
    "SLACK_BOT_TOKEN": ["xoxp-canary-secret", "canary-a,canary-b"],
    "SLACK_SIGNING_SECRET": ["xoxb-canary-secret"],
    "PORT": ["canary"],
    "SLACK_API_URL": ["canary://canary"],
    "RELAY_CONFIG_YAML": ["canary: [canary", "channels: {1: xoxb-canary-secret}"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in MISTAKES.items() for value in values])
def test_a_refusal_to_start_repeats_no_secret(
    name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    good = {"KOMMUNICATE_WEBHOOK_TOKEN": "t0", "SLACK_BOT_TOKEN": "xoxb-1", "RELAY_CONFIG_YAML": "default_channel: C0X"}
    for one, text in {**good, name: value}.items():
        monkeypatch.setenv(one, text)
    result = CliRunner().invoke(main, ["serve"])
    assert (result.exit_code, type(result.exception)) == (2, SystemExit)
    assert "error" in result.output
    assert "canary" not in result.output
