"""The corpus through a relay as it runs: 0 details in what Slack is sent, logs, metrics, reports and error bodies."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from relay.cli import main
from relay.sandbox import SandboxServer
from tests.harness import PATIENCE, body, environment, timeline, wait_for, words
from tests.privacy.conftest import Wire
from tests.privacy.corpus import Example, examples, group_of, leaked
from tests.processes import RelayProcess

EXAMPLES = examples()
DETAILS = [one for one in EXAMPLES if one.details]
MOMENT = 1_790_000_000_000
MARK = re.compile(r"\[[\w -]+[ -]hidden\]")
CONFIG = """
default_channel: C0GENERAL
redact: [payment_card, iban, email, phone, secret]
delivery: {retry: [0.1], confirm_after: [0.1, 0.2], posts_per_second: 200, burst: 50}
"""


@pytest.fixture
def slack(live_server: Callable[..., SandboxServer]) -> SandboxServer:
    return live_server(pace=0)


@pytest.fixture
def live_wire(slack: SandboxServer) -> Wire:
    return Wire(slack)


@pytest.fixture
def relay(slack: SandboxServer, database_url: str, tmp_path: Path) -> Iterator[RelayProcess]:
    more = {"RELAY_CONFIG_YAML": CONFIG, "RELAY_METRICS_TOKEN": "metrics-token"}
    process = RelayProcess("serve", cwd=tmp_path, env=environment(slack, database_url, **more))
    try:
        process.wait_ready()
        yield process
    finally:
        process.kill()


def metrics(relay: RelayProcess) -> str:
    bearer = {"Authorization": "Bearer metrics-token"}
    return requests.get(f"{relay.url}/metrics", headers=bearer, timeout=PATIENCE).text


def posts(slack: SandboxServer) -> list[dict[str, Any]]:
    """What stands in threads."""
    return [one for one in timeline(slack) if one["thread_ts"]]


def in_threads(slack: SandboxServer) -> dict[str, str]:
    """What each chat's thread and card say, by the chat's id, without moments."""
    found: dict[str, str] = defaultdict(str)
    names: dict[str, str] = {}
    for one in timeline(slack):
        root = one["thread_ts"] or one["ts"]
        link = re.search(r"conversations/(g[a-j]+)", json.dumps(one["blocks"]))
        names.setdefault(root, link[1] if link else "")
        found[names[root]] += re.sub(r"<!date\^[^>]*>", "", f"{words(one)}\n{one['text']}\n")
    return found


def write_all(relay: RelayProcess, written: list[Example]) -> list[str]:
    """Each as a message of a chat of its own, and once more as a body that is refused; returns the refusals."""
    refusals = []
    for number, one in enumerate(written):
        told = body(f"k{number}", group_of(number), one.text, timeStamp=MOMENT)
        assert relay.post(told).status_code == 200
        refused = relay.post({**told, "timeStamp": "never", "metadata": json.dumps({"nested": one.text})})
        assert refused.status_code == 422
        refusals.append(refused.text)
    return refusals


def reports(database_url: str) -> str:
    """All that `relay deliveries` says of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", database_url)
        listed = [["list", "--json", "--limit", "1000"], ["list", "--rejected", "--json", "--limit", "1000"], ["list"]]
        said = [CliRunner().invoke(main, ["deliveries", *words]).output for words in listed]
        ids = [row["id"] for row in json.loads(said[1])]
        said += [CliRunner().invoke(main, ["deliveries", "show", one]).output for one in ids]
        said.append(CliRunner().invoke(main, ["deliveries", "show", ids[0], "--json"]).output)
    assert len(ids) == len(EXAMPLES)
    return "\n".join(said)


def test_no_detail_gets_out_and_no_look_alike_is_touched(
    relay: RelayProcess, slack: SandboxServer, live_wire: Wire, database_url: str, tmp_path: Path
) -> None:
    refusals = write_all(relay, EXAMPLES)
    assert wait_for(lambda: len(posts(slack)) >= len(EXAMPLES))
    numbers, told = metrics(relay), reports(database_url)
    assert relay.stop() == 0
    log = (tmp_path / "relay.log").read_text()
    for said in (str(live_wire), numbers, log, told, *refusals):
        assert leaked(said) == []
    threads = in_threads(slack)
    said = [(one, threads[group_of(number)]) for number, one in enumerate(EXAMPLES)]
    assert [one.text for one, shown in said if one.leaked_in(shown)] == []
    marks = [mark for one in posts(slack) for mark in MARK.findall(words(one))]
    assert len(marks) == sum(len(one.details) for one in DETAILS)
    assert "[payment card hidden]" in told
