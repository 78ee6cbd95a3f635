"""A relay that starts looks at its set-up in the background: in its log, and in `/readyz` for whoever may ask."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from tests.doctor.conftest import KEY, set_up
from tests.harness import PATIENCE, wait_for

UNWELL = {
    "RELAY_CONFIG_YAML": "default_channel: C0OLD\n",
    "KOMMUNICATE_API_KEY": "another-api-key-entirely",
    "RELAY_METRICS_TOKEN": "short",
}


def test_it_tells_what_is_wrong_and_works_all_the_same(tmp_path: Path) -> None:
    with set_up(tmp_path, **UNWELL) as (_, relay, _):
        log = tmp_path / "relay.log"
        assert wait_for(lambda: log.read_text().count("setup.wrong") == 3)
        assert wait_for(lambda: "findings" in requests.get(f"{relay.url}/readyz", timeout=PATIENCE).json())
        answer = requests.get(f"{relay.url}/readyz", timeout=PATIENCE)
        said = log.read_text()
    assert (answer.status_code, answer.json()["findings"]) == (200, ["channel_archived", "kommunicate_key"])
    assert '"code": "secret_short"' in said
    assert KEY not in said


def test_a_set_up_that_is_well_tells_nothing(tmp_path: Path) -> None:
    with set_up(tmp_path) as (server, relay, _):
        methods = {"auth.test", "conversations.info", "/rest/ws/user/v2/detail"}
        assert wait_for(lambda: methods <= {call["method"] for call in server.sandbox.calls})
        assert "findings" not in requests.get(f"{relay.url}/readyz", timeout=PATIENCE).json()
        said = (tmp_path / "relay.log").read_text()
    assert "setup.wrong" not in said
    assert '"replies": "on"' in said


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("SLACK_SIGNING_SECRET", "", "off: SLACK_SIGNING_SECRET is not set"),
        ("KOMMUNICATE_API_KEY", "", "off: KOMMUNICATE_API_KEY is not set"),
        ("RELAY_CONFIG_YAML", "default_channel: C0VIP\nreplies: {mode: none}\n", "the YAML file says"),
    ],
)
def test_the_first_line_says_whether_replies_are_on(tmp_path: Path, name: str, value: str, why: str) -> None:
    with set_up(tmp_path, **{name: value}):
        assert wait_for(lambda: "web.started" in (tmp_path / "relay.log").read_text())
        said = (tmp_path / "relay.log").read_text()
    assert why in next(line for line in said.splitlines() if "web.started" in line)
