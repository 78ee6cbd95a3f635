"""A set-up in which nothing is wrong, to break one thing at a time."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result

from relay.cli import main
from relay.sandbox import Sandbox, SandboxServer
from relay.sandbox.slack.values import default_channels
from relay.sandbox.slack.workspace import SCOPES
from relay.store.db.engine import Store, open_store
from relay.store.db.schema import migrate
from tests.harness import PATIENCE, environment
from tests.processes import RelayProcess

WEBHOOK, SIGNING, KEY = "webhook-token-of-the-set-up", "5" * 32, "api-key-of-the-set-up"
BOT = "xoxb-bot-token-of-the-set-up"
SECRETS = (WEBHOOK, SIGNING, KEY, BOT)
CONFIG = """
channels: {123456: C0SUPPORT}
routes: [{name: vip, when: {title: vip}, channel: C0VIP}]
default_channel: C0GENERAL
"""


@dataclass
class Bench:
    """One relay that runs, its vendors, and what `relay doctor` is to be told."""

    server: SandboxServer
    relay: RelayProcess
    env: dict[str, str]
    folder: Path
    patch: pytest.MonkeyPatch
    unset: set[str] = field(default_factory=set)
    closing: list[Callable[[], object]] = field(default_factory=list)

    @property
    def sandbox(self) -> Sandbox:
        return self.server.sandbox

    def doctor(self, *words: str) -> Result:
        """Run the command, in a folder of its own and with nothing but this environment."""
        for name, value in self.env.items():
            self.patch.setenv(name, value)
        for name in self.unset:
            self.patch.delenv(name, raising=False)
        result = CliRunner().invoke(main, ["doctor", *words], prog_name="relay")
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result

    def findings(self, *words: str) -> list[dict[str, str]]:
        """The same as JSON."""
        found: list[dict[str, str]] = json.loads(self.doctor("--json", *words).stdout)
        return found

    def own_database(self) -> Store:
        """A database that no relay works on; the doctor looks at it too."""
        url = f"sqlite:///{self.folder}/own.db"
        self.env["DATABASE_URL"] = url
        store = open_store(url)
        self.closing.append(store.close)
        migrate(store)
        return store

    def front(self, **how: Any) -> str:
        """The address of a proxy before the relay, which does something to what passes."""
        url, stop = front(self.relay.url, **how)
        self.closing.append(stop)
        return url


def front(
    target: str, *, drops: str = "", answers: dict[str, tuple[int, str]] | None = None
) -> tuple[str, Callable[[], object]]:
    """A proxy that drops a header, or answers some paths by itself."""
    mine = answers or {}

    class Front(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self.pass_on()

        def do_POST(self) -> None:
            self.pass_on()

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, content = mine.get(self.path, (0, ""))
            if not status:
                headers = {name: value for name, value in self.headers.items() if name.lower() != drops.lower()}
                answer = requests.request(
                    self.command, target + self.path, data=body, headers=headers, timeout=PATIENCE
                )
                status, content = answer.status_code, answer.text
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "https://elsewhere.example.com/")
            self.send_header("Content-Length", str(len(content.encode())))
            self.end_headers()
            self.wfile.write(content.encode())

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Front)
    httpd.daemon_threads = True
    threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True).start()

    def stop() -> None:
        httpd.shutdown()
        httpd.server_close()

    return f"http://127.0.0.1:{httpd.server_port}", stop


@contextmanager
def set_up(folder: Path, **more: str) -> Iterator[tuple[SandboxServer, RelayProcess, dict[str, str]]]:
    """A relay at work and its vendors."""
    vendors = Sandbox(webhook_token=WEBHOOK, signing_secret=SIGNING, api_key=KEY, bot_token=BOT, pace=0)
    with SandboxServer(vendors) as server:
        env = environment(
            server,
            f"sqlite:///{folder}/relay.db",
            KOMMUNICATE_WEBHOOK_TOKEN=WEBHOOK,
            KOMMUNICATE_API_KEY=KEY,
            SLACK_BOT_TOKEN=BOT,
            SLACK_SIGNING_SECRET=SIGNING,
            RELAY_CONFIG_YAML=CONFIG,
        )
        env["RELAY_PUBLIC_URL"] = f"http://127.0.0.1:{env['PORT']}"
        env |= more
        relay = RelayProcess("serve", cwd=folder, env=env)
        try:
            relay.wait_ready()
            server.sandbox.connect(relay.url)
            yield server, relay, env
        finally:
            relay.kill()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SandboxServer, RelayProcess, dict[str, str]]]:
    """One for all tests of a file."""
    with set_up(tmp_path_factory.mktemp("set-up")) as running:
        yield running


@pytest.fixture
def bench(
    running: tuple[SandboxServer, RelayProcess, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    """The set-up, mended again after each test."""
    server, relay, env = running
    monkeypatch.chdir(tmp_path)
    sandbox, now = server.sandbox, server.sandbox.core.now
    bench = Bench(server, relay, dict(env), tmp_path, monkeypatch)
    yield bench
    for close in bench.closing:
        close()
    sandbox.faults.clear()
    sandbox.slack.scopes = set(SCOPES)
    sandbox.slack.channels = {channel.id: channel for channel in default_channels()}
    sandbox.slack.sender.signing_secret = SIGNING
    sandbox.core.now = now
