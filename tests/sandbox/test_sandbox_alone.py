"""`python -m relay.sandbox`: what it prints is all that a relay needs to work with it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.harness import PATIENCE, ROOT, free_port, wait_for

ENV = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}


@contextmanager
def running(folder: Path, log: str, *command: str) -> Iterator[Path]:
    """A process, and the file that its output goes to; it is gone afterwards."""
    path = folder / log
    with path.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, env=ENV, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield path
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()


def refused(*words: str) -> str:
    """What is said of options that make no sense."""
    command = [sys.executable, "-m", "relay.sandbox", *words]
    found = subprocess.run(command, env=ENV, capture_output=True, text=True, timeout=PATIENCE)
    assert found.returncode == 2
    return found.stderr


def test_what_it_prints_starts_a_relay_that_shows_a_customers_words(tmp_path: Path) -> None:
    """Pasted into a shell as it stands; the doctor, there too, finds nothing wrong."""
    relay = f"http://127.0.0.1:{free_port()}"
    sandbox = (sys.executable, "-m", "relay.sandbox", "--port", "0", "--relay-url", relay)
    with running(tmp_path, "sandbox.log", *sandbox) as said:
        assert wait_for(lambda: "relay serve" in said.read_text())
        page = re.search(r"http://127\.0\.0\.1:\d+", said.read_text())
        pasted = re.search(r"(?ms)^export .* -m relay serve$", said.read_text())
        assert page
        assert pasted
        with running(tmp_path, "relay.log", "sh", "-c", f"{re.sub('(?m)^(?!export)', 'exec ', pasted[0])}"):
            assert wait_for(lambda: answers(f"{relay}/readyz"))
            hello = {"text": "Hello there", "name": "Jane"}
            requests.post(f"{page[0]}/sandbox/customers/7/messages", json=hello, timeout=PATIENCE).raise_for_status()
            assert wait_for(lambda: "Hello there" in requests.get(f"{page[0]}/sandbox/timeline", timeout=9).text)
            asked = pasted[0].replace("relay serve", "relay doctor")
            found = subprocess.run(["sh", "-c", asked], cwd=tmp_path, env=ENV, capture_output=True, text=True)
    assert (found.returncode, "warning" in found.stdout) == (0, False), found.stdout


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=9).ok
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--port", "99999"), "a port is a number from 0 to 65535"),
        (("--relay-url", "localhost:8080"), "must be an address such as http://127.0.0.1:8080"),
    ],
)
def test_options_that_make_no_sense_are_refused_with_a_sentence(words: tuple[str, ...], said: str) -> None:
    assert said in refused(*words)
