"""What hosts read: variables and commands that exist, a unit that systemd takes, actions pinned by commit."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from relay.settings import SECRETS, VARIABLES
from tests.commands import every_command
from tests.harness import ROOT
from tests.processes import RelayProcess
from tests.web.wire import lone_environment

DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["relay"]
UNIT = ROOT / "deploy" / "relay.service"
FLY = tomllib.loads((ROOT / "fly.toml").read_text())
RENDER = yaml.safe_load((ROOT / "render.yaml").read_text())
HEROKU = json.loads((ROOT / "app.json").read_text())
COMMANDS = {" ".join(path) for path, _ in every_command()}
OF_PYTHON = {"PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}


def unit() -> dict[str, list[str]]:
    """The unit's lines, by their name."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text().splitlines():
        name, given, value = line.partition("=")
        if given and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def service_variables() -> Iterator[str]:
    for line in unit()["Environment"]:
        yield from (word.partition("=")[0] for word in line.split())


def dockers() -> Iterator[str]:
    for line in re.findall(r"(?m)^ENV (.+)$", DOCKERFILE):
        yield from (word.partition("=")[0] for word in line.split())


def flys() -> Iterator[str]:
    yield from FLY["env"]
    yield from re.findall(r"([A-Z_]{5,})=", (ROOT / "fly.toml").read_text())


NAMED = {
    "Dockerfile": set(dockers()),
    "compose.yaml": set(COMPOSE["environment"]),
    "relay.service": set(service_variables()),
    "fly.toml": set(flys()),
    "render.yaml": {one["key"] for one in RENDER["services"][0]["envVars"]},
    "app.json": set(HEROKU["env"]),
}


@pytest.mark.parametrize("file", NAMED)
def test_every_variable_in_it_is_one_of_the_relays(file: str) -> None:
    assert NAMED[file]
    assert NAMED[file] <= {*VARIABLES, *OF_PYTHON}
    assert "RELAY_ENV" in NAMED[file]


@pytest.mark.parametrize("file", ["render.yaml", "app.json"])
def test_whoever_is_asked_for_settings_is_asked_for_all_that_are_needed(file: str) -> None:
    needed = {"KOMMUNICATE_WEBHOOK_TOKEN", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "KOMMUNICATE_API_KEY"}
    assert needed | {"RELAY_CONFIG_YAML"} <= NAMED[file]


def test_what_is_asked_for_is_explained_and_no_secret_is_written_down() -> None:
    for name, one in HEROKU["env"].items():
        assert one["description"].endswith("."), name
        assert name not in SECRETS or "value" not in one
    for one in RENDER["services"][0]["envVars"]:
        assert one["key"] not in SECRETS or "value" not in one


STARTS = {
    "Dockerfile": json.loads(re.findall(r"(?m)^CMD (.+)$", DOCKERFILE)[-1]),
    "fly.toml": shlex.split(FLY["deploy"]["release_command"]),
    "render.yaml": shlex.split(RENDER["services"][0]["startCommand"]),
    "render.yaml, before": shlex.split(RENDER["services"][0]["preDeployCommand"]),
    "relay.service": shlex.split(unit()["ExecStart"][0]),
    "relay.service, before": shlex.split(unit()["ExecStartPre"][0]),
}


@pytest.mark.parametrize("words", STARTS.values(), ids=STARTS)
def test_it_starts_a_command_that_exists(words: list[str]) -> None:
    assert words[1:3] == ["-m", "relay"]
    assert words[3] in COMMANDS


@pytest.mark.parametrize("path", [FLY["http_service"]["checks"][0]["path"], RENDER["services"][0]["healthCheckPath"]])
def test_hosts_ask_whether_it_is_ready(path: str) -> None:
    assert path == "/readyz"
    assert path in DOCKERFILE


def test_the_image_is_of_the_python_that_hosts_use() -> None:
    version = (ROOT / ".python-version").read_text().strip()
    assert set(re.findall(r"(?m)^FROM python:([\d.]+)-", DOCKERFILE)) == {version}


def test_the_container_has_no_privileges_and_a_system_it_cannot_write() -> None:
    assert COMPOSE["read_only"] is True
    assert COMPOSE["cap_drop"] == ["ALL"]
    assert COMPOSE["security_opt"] == ["no-new-privileges:true"]
    assert re.findall(r"(?m)^USER (.+)$", DOCKERFILE) == ["10001:10001"]
    assert all(port.startswith("127.0.0.1:") for port in COMPOSE["ports"])


def test_nothing_private_gets_into_the_image() -> None:
    kept = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert kept[0] == "*"
    assert [line for line in kept if line.startswith("!")] == ["!requirements.txt", "!relay"]
    assert re.findall(r"(?m)^COPY (?!--from)(\S+)", DOCKERFILE) == ["requirements.txt", "relay"]


def test_the_image_knows_whether_it_is_well(tmp_path: Path) -> None:
    command = json.loads(re.findall(r"(?m)^HEALTHCHECK .*\\\n +CMD (.+)$", DOCKERFILE)[0])
    env = lone_environment(f"sqlite:///{tmp_path}/relay.db")
    relay = RelayProcess("serve", "--no-worker", cwd=tmp_path, env=env)

    def health() -> int:
        done = subprocess.run(
            [sys.executable, *command[1:]], env={"PORT": env["PORT"]}, capture_output=True, check=False
        )
        return done.returncode

    try:
        relay.wait_ready()
        assert health() == 0
    finally:
        relay.kill()
    assert health() == 1


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_takes_the_unit_and_finds_it_closed(tmp_path: Path) -> None:
    here = UNIT.read_text().replace("/opt/relay/.venv/bin/python", sys.executable)
    copy = tmp_path / "relay.service"
    copy.write_text(here.replace("file:/opt/relay/README.md", "man:systemd(1)"))
    verified = analyze("verify", "--man=no", str(copy))
    assert (verified.returncode, [line for line in verified.stderr.splitlines() if "relay" in line]) == (0, [])
    judged = analyze("security", "--offline=yes", "--threshold=20", "--no-pager", str(copy))  # 2 of 10
    assert judged.returncode == 0, judged.stdout[-300:]


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)


WORKFLOWS = {path.name: yaml.safe_load(path.read_text()) for path in (ROOT / ".github/workflows").glob("*.yml")}


@pytest.mark.parametrize("workflow", WORKFLOWS.values(), ids=WORKFLOWS)
def test_ci_uses_actions_by_commit_and_may_only_read(workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    used = [step["uses"] for job in workflow["jobs"].values() for step in job["steps"] if "uses" in step]
    assert used
    assert [one for one in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", one)] == []


@pytest.mark.parametrize("lock", sorted(ROOT.glob("requirements*.txt")), ids=lambda path: path.name)
def test_every_package_is_locked_with_hashes(lock: Path) -> None:
    packages = re.findall(r"(?m)^[a-z0-9].*(?:\n    .*)*", lock.read_text())
    assert packages
    assert [one.split()[0] for one in packages if "==" not in one or "--hash=sha256:" not in one] == []


def test_nothing_is_installed_without_hashes() -> None:
    """What builds the package too: pip would fetch it by itself."""
    installs = re.findall(r"(?m)^\t\$\(PIP\) install (.+)$", (ROOT / "Makefile").read_text())
    own = [line for line in installs if "--require-hashes" not in line]
    assert own == ["--no-deps --no-build-isolation -e ."]
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    locked = (ROOT / "requirements-build.txt").read_text()
    assert all(re.search(rf"(?m)^{re.split('[>=<~]', one)[0]}==", locked) for one in wanted)
