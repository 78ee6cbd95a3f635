"""Without the variable nothing of OpenTelemetry is read; without the extra the relay runs, and says what is missing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from relay.sandbox import SandboxServer
from tests.harness import PATIENCE, ROOT, body, environment
from tests.otel.collector import collector
from tests.processes import RelayProcess, spawned

NOT_ASKED_FOR = """
import sys
from relay.cli import main, serve, worker
from relay.settings import Settings
from relay.web import create_app
from relay.wiring import build_relay, ready_schema, start_tracing
relay = build_relay(Settings(database_url="sqlite:///relay.db"))
ready_schema(relay.store)
start_tracing(relay, "serve")
create_app(relay)
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
FORKED = """
import os, sys
from relay.otel import OtlpExporter
from relay.spans import Kind, Span
exporter = OtlpExporter("seed", "web")
child = os.fork()
exporter.export(Span("webhook", Kind.CAME_IN, 1.0, 1.5, about=["r1" if child else "r2"]))
if child:
    os.waitpid(child, 0)
sys.exit(0)
"""


def run(script: str, cwd: Path, **env: str) -> str:
    env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", **env}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=cwd, env=env, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_is_imported_that_nobody_asked_for(tmp_path: Path) -> None:
    assert run(NOT_ASKED_FOR, tmp_path).strip() == "[]"


def test_without_the_extra_it_says_what_to_install_and_runs(
    tmp_path: Path, live_server: Callable[..., SandboxServer], sqlite_database_url: str
) -> None:
    (tmp_path / "instead/opentelemetry").mkdir(parents=True)
    (tmp_path / "instead/opentelemetry/__init__.py").touch()  # it is found first, and has nothing in it
    path = f"{tmp_path / 'instead'}:{ROOT}"
    more = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318", "PYTHONPATH": path}
    env = environment(live_server(pace=0), sqlite_database_url, **more)
    relay = RelayProcess("serve", cwd=tmp_path, env=env, start=spawned)
    try:
        relay.wait_ready()
        assert relay.post(body()).status_code == 200
    finally:
        relay.kill()
    (line,) = (one for one in (tmp_path / "relay.log").read_text().splitlines() if "tracing" in one)
    assert "tracing_not_installed" in line
    assert "pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http" in line


def test_a_server_that_forks_exports_what_each_process_did_also_at_its_end(tmp_path: Path) -> None:
    with collector() as took:
        run(FORKED, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=took.address)
    assert {one.facts["relay.received"] for one in took.named("webhook")} == {"r1", "r2"}
