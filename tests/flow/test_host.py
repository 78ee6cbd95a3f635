"""What a Heroku-like host does: install requirements.txt and nothing else, then run the Procfile's lines."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from relay.sandbox import SandboxServer
from tests.harness import PATIENCE, ROOT, auth, body, environment, timeline, wait_for

IN_THE_SLUG = ("relay", "requirements.txt", "Procfile", ".python-version", "pyproject.toml")


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files a host gets, beside a virtual environment with exactly what requirements.txt locks."""
    folder = tmp_path_factory.mktemp("slug")
    for name in IN_THE_SLUG:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        folder / "venv/bin/python",
        "--disable-pip-version-check",
        "--quiet",
    ]
    subprocess.run([*pip, "install", "--require-hashes", "-r", "requirements.txt"], cwd=folder, check=True)
    return folder


class Host:
    """Runs lines of the Procfile with the environment that such a host sets."""

    def __init__(self, slug: Path, slack: SandboxServer, database_url: str) -> None:
        self.slug, self.slack = slug, slack
        self.env = environment(slack, database_url.replace("postgresql://", "postgres://"), DYNO="web.1")
        del self.env["HOST"]
        self.url = f"http://127.0.0.1:{self.env['PORT']}"
        self.started: list[subprocess.Popen[bytes]] = []

    def run(self, name: str) -> subprocess.Popen[bytes]:
        lines = dict(line.split(": ", 1) for line in (self.slug / "Procfile").read_text().splitlines())
        program, *arguments = shlex.split(lines[name])
        env = {**self.env, "PATH": f"/usr/bin{os.pathsep}/bin"}
        command = [self.slug / "venv/bin" / program, *arguments]
        with self.log(name).open("wb") as log:
            self.started.append(subprocess.Popen(command, cwd=self.slug, env=env, start_new_session=True, stderr=log))
        return self.started[-1]

    def log(self, name: str) -> Path:
        return self.slug / f"{name}.log"

    def is_ready(self) -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"{self.url}/readyz", timeout=10).status_code == 200
        return False

    def close(self) -> None:
        for process in self.started:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)


@pytest.fixture
def host(slug: Path, live_server: Callable[..., SandboxServer], postgres_database_url: str) -> Iterator[Host]:
    host = Host(slug, live_server(pace=0), postgres_database_url)
    yield host
    host.close()


@pytest.mark.long
def test_the_procfile_runs_on_what_requirements_txt_locks(host: Host) -> None:
    assert host.run("release").wait(PATIENCE) == 0
    web, worker = host.run("web"), host.run("worker")
    assert wait_for(host.is_ready)
    # The web process delivers too, so what Slack shows does not tell that the worker is there already.
    assert wait_for(lambda: "worker.started" in host.log("worker").read_text())
    answer = requests.post(f"{host.url}/message/forward", json=body(), headers=auth(), timeout=PATIENCE)
    assert answer.status_code == 200
    assert wait_for(lambda: len(timeline(host.slack)) == 2)
    for process in (web, worker):
        process.terminate()
        assert process.wait(PATIENCE) == 0
