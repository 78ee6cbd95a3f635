"""The YAML file is edited while the relay runs: in every process, within moments, and never wrongly."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from relay.sandbox import SandboxServer
from tests.harness import body, environment, free_port, threads, wait_for, words
from tests.processes import RelayProcess

BROKEN = "channels: {1: C0WRONG}\ndefault_channel: C0WRONG\nbroadcats: never\n"
SOON = 10.0  # seconds: five times what an edit may take


class Edited:
    """A relay whose file is edited; `apart`: its web and its worker are processes of their own."""

    def __init__(self, folder: Path, server: SandboxServer, database_url: str, *, apart: bool) -> None:
        self.server, self.file = server, folder / "config.yaml"
        self.write("channels: {1: C0SUPPORT}\n")
        env = environment(server, database_url, PORT=str(free_port()), RELAY_METRICS_TOKEN="metrics")
        del env["RELAY_CONFIG_YAML"]
        commands = [("serve", "--no-worker"), ("worker",)] if apart else [("serve",)]
        self.processes = [
            RelayProcess(*command, cwd=folder, env=env, log=f"{number}.log") for number, command in enumerate(commands)
        ]
        self.logs = [folder / f"{number}.log" for number in range(len(commands))]
        self.web = self.processes[0]
        self.web.wait_ready()

    def write(self, text: str) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(text)
        new.replace(self.file)

    def post(self, key: str, group: int) -> None:
        assert self.web.post(body(key, group, f"words {key}")).status_code == 200

    def channels(self) -> dict[str, list[str]]:
        """Where every word that was posted is to be read."""
        found: dict[str, list[str]] = {}
        for root, *messages in threads(self.server).values():
            for message in messages:
                for line in words(message).splitlines():
                    if line.startswith("words "):
                        found.setdefault(line.removeprefix("words "), []).append(root["channel"])
        return found

    def ready(self) -> dict[str, object]:
        answer: dict[str, object] = requests.get(f"{self.web.url}/readyz", timeout=10).json()
        return answer

    def metrics(self) -> str:
        headers = {"Authorization": "Bearer metrics"}
        return requests.get(f"{self.web.url}/metrics", headers=headers, timeout=10).text


@pytest.fixture(params=[False, True], ids=["together", "apart"])
def edited(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    live_server: Callable[..., SandboxServer],
    database_url: str,
) -> Iterator[Edited]:
    with ExitStack() as stack:
        relay = Edited(tmp_path, live_server(burst=3), database_url, apart=request.param)
        for process in relay.processes:
            stack.callback(process.kill)
        yield relay


def test_what_waits_for_a_channel_goes_out_when_the_file_names_one(edited: Edited) -> None:
    edited.post("k1", 2)
    edited.write("channels: {1: C0SUPPORT, 2: C0VIP}\n")
    assert wait_for(lambda: edited.channels() == {"k1": ["C0VIP"]}, SOON)
    edited.post("k2", 2)
    assert wait_for(lambda: edited.channels().get("k2") == ["C0VIP"], SOON)


def test_a_broken_edit_changes_nothing_and_is_told_everywhere(edited: Edited) -> None:
    """In the log of every process, in `/readyz`, in the metrics, and once in the alerts channel; and its end, once."""
    edited.write("channels: {1: C0SUPPORT}\nalerts: {channel: C0OPS}\n")
    assert wait_for(lambda: all("config.reloaded" in log.read_text() for log in edited.logs), SOON)
    edited.write(BROKEN)
    assert wait_for(lambda: all("config.refused" in log.read_text() for log in edited.logs), SOON)
    edited.post("k1", 1)
    assert wait_for(lambda: edited.channels() == {"k1": ["C0SUPPORT"]}, SOON)
    (finding,) = edited.ready()["config"]  # type: ignore[misc, call-overload]
    assert (finding["code"], finding["where"]) == ("unknown_key", "config.yaml:3:1")
    assert "relay_config_valid 0.0" in edited.metrics()
    assert wait_for(lambda: any("config.yaml:3:1" in words(told) for told in _told(edited)), SOON)
    edited.write("channels: {1: C0SUPPORT}\nalerts: {channel: C0OPS}\nbroadcast: never\n")
    assert wait_for(lambda: "config" not in edited.ready(), SOON)
    assert "relay_config_valid 1.0" in edited.metrics()
    assert wait_for(lambda: len(_told(edited)) == 2, SOON)
    assert "config.yaml is valid again" in words(_told(edited)[-1])


def _told(edited: Edited) -> list[dict[str, object]]:
    return [message for thread in threads(edited.server, "C0OPS").values() for message in thread]


@pytest.mark.parametrize("seconds", [3.0, pytest.param(30.0, marks=pytest.mark.long)])
def test_edits_under_load_lose_nothing_and_misroute_nothing(edited: Edited, seconds: float) -> None:
    """Every 100 ms another edit, half of them broken in a way that would send everything elsewhere."""
    over = threading.Event()

    def edit() -> None:
        for number in range(10**6):
            valid = f"channels: {{1: C0SUPPORT, 2: C0VIP}}\nclosing_words: [w{number}]\n"
            edited.write(BROKEN if number % 2 else valid)
            if over.wait(0.1):
                return

    editor = threading.Thread(target=edit)
    editor.start()
    posted: dict[str, list[str]] = {}
    ends = time.monotonic() + seconds
    try:
        while time.monotonic() < ends:
            key, group = f"k{len(posted)}", 1 + len(posted) % 2
            edited.post(key, group)
            posted[key] = ["C0SUPPORT" if group == 1 else "C0VIP"]
            over.wait(0.02)
    finally:
        over.set()
        editor.join()
    edited.write("channels: {1: C0SUPPORT, 2: C0VIP, 3: C0GENERAL}\n")
    edited.post("last", 3)
    posted["last"] = ["C0GENERAL"]
    assert wait_for(lambda: len(edited.channels()) == len(posted), 60)
    assert edited.channels() == posted
    assert all(process.process.poll() is None for process in edited.processes)
