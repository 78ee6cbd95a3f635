"""`relay serve`, `relay worker` and `relay demo` as processes: they start or say why not, and they end in order."""

from __future__ import annotations

import os
import platform
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest
import requests

from relay.sandbox import SandboxServer
from relay.store.db.engine import open_store
from relay.store.db.news import Listener
from tests.cli.conftest import Run
from tests.harness import PATIENCE, ROOT, body, environment, free_port, raw, threads, wait_for
from tests.processes import RelayProcess
from tests.store.test_news import LISTENS
from tests.web.wire import GOOD as GOOD_HEADERS
from tests.web.wire import lone_environment, webhook

Start = Callable[..., RelayProcess]
WIPED = ("DYNO", "RENDER", "FLY_APP_NAME", "RAILWAY_ENVIRONMENT")


@pytest.mark.parametrize("word", ["serve", "worker"])
@pytest.mark.parametrize("host", WIPED)
def test_sqlite_on_a_disk_that_is_wiped_is_refused(run: Run, tmp_path: Path, word: str, host: str) -> None:
    result = run(word, **good(**{host: "x"}))
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{host} indicates a host that wipes its disk at every restart" in result.stderr
    assert "RELAY_ALLOW_EPHEMERAL=1" in result.stderr
    assert not list(tmp_path.iterdir())


def test_unless_that_is_wanted(start: Start) -> None:
    start("serve", env=good(DYNO="web.1", RELAY_ALLOW_EPHEMERAL="1")).wait_ready()


def test_postgres_is_fine_there(start: Start, postgres_database_url: str) -> None:
    start("serve", "--no-worker", env=lone_environment(postgres_database_url, DYNO="web.1")).wait_ready()


@pytest.mark.parametrize("word", ["serve", "worker"])
def test_files_on_a_disk_that_is_wiped_are_refused(run: Run, postgres_database_url: str, word: str) -> None:
    result = run(word, **lone_environment(postgres_database_url, DYNO="web.1", RELAY_FILES="kept"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "agents' files would be lost" in result.stderr
    assert "RELAY_FILES: error [ephemeral_files]" in result.stderr


def good(**more: str) -> dict[str, str]:
    """What a relay needs to start, on a port of its own."""
    return lone_environment("sqlite:///relay.db", **more)


def refusal(relay: RelayProcess, folder: Path) -> str:
    """What a process that ends with exit code 2 said."""
    assert relay.process.wait(PATIENCE) == 2
    return (folder / "0.log").read_text()


def test_a_port_in_use_is_exit_2_with_a_sentence(start: Start, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = refusal(start("serve", env=good(PORT=str(taken.getsockname()[1]))), tmp_path)
    assert "listens on 127.0.0.1:" in said
    assert "already. Stop it, or set another PORT." in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("host", ["203.0.113.1", "no.such.host.invalid"])
def test_a_host_that_is_not_this_one_is_exit_2_with_a_sentence(start: Start, tmp_path: Path, host: str) -> None:
    env = good(HOST=host)
    said = refusal(start("serve", env=env), tmp_path)
    assert f"cannot listen on {host}:{env['PORT']}: " in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("word", ["serve", "worker"])
def test_an_older_schema_on_postgres_is_refused(run: Run, postgres_database_url: str, word: str) -> None:
    """Other versions may be running on it: upgrading is a step of its own."""
    with psycopg.connect(postgres_database_url) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '0000'")
    result = run(word, **lone_environment(postgres_database_url))
    assert result.exit_code == 2
    assert "Run `relay migrate`" in result.stderr


IN_TIME = 5 * 4.0  # seconds: five times the promise
# A process that waits for nothing but its calls' deadline is not in time.
LONG_CALLS = {"RELAY_CONFIG_YAML": "channels: {123456: C0SUPPORT}\ndelivery: {call_deadline: 60s, lease: 120s}\n"}


def ended_in_time(relay: RelayProcess, folder: Path, *signals: signal.Signals) -> bool:
    """Send these signals; True when it ended in time, and well, with nothing left in flight."""
    begun = time.monotonic()
    for number in signals:
        relay.process.send_signal(number)
    assert relay.process.wait(PATIENCE) == 0
    taken = time.monotonic() - begun
    assert '"event": "stopped", "settled": true' in (folder / "0.log").read_text()
    return taken < IN_TIME


ENDINGS = [(signal.SIGTERM,), (signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGINT), (signal.SIGHUP,)]


@pytest.mark.parametrize(
    ("words", "signals"),
    [
        *(("serve", signals) for signals in ENDINGS),
        ("serve --no-worker", ENDINGS[0]),
        *(("worker", signals) for signals in ENDINGS[1:]),
    ],
)
def test_it_ends_in_order_and_in_time(
    start: Start,
    live_server: Callable[..., SandboxServer],
    words: str,
    signals: tuple[signal.Signals, ...],
    tmp_path: Path,
) -> None:
    """A second Ctrl+C breaks nothing off."""
    relay = start(*words.split(), env=environment(live_server(), "sqlite:///relay.db", **LONG_CALLS))
    assert wait_for(lambda: "started" in (tmp_path / "0.log").read_text())
    assert ended_in_time(relay, tmp_path, *signals)


def test_what_is_in_flight_settles_before_it_ends(
    start: Start, live_server: Callable[..., SandboxServer], database_url: str, tmp_path: Path
) -> None:
    """Slack takes a second to say that it has posted: that is waited for, and nothing is posted twice."""
    slack = live_server(pace=0)
    slack.sandbox.faults.add("chat.postMessage", "slow", seconds=1.0, times=None)
    env = environment(slack, database_url, **LONG_CALLS)
    relay = start("serve", env=env)
    relay.wait_ready()
    assert relay.post(body("k1")).status_code == 200
    assert wait_for(lambda: slack.sandbox.slack.messages != [])
    assert ended_in_time(relay, tmp_path, signal.SIGTERM)
    slack.sandbox.faults.clear()
    start("worker", env=env)
    assert wait_for(lambda: [len(thread) for thread in threads(slack).values()] == [2])


def test_a_request_under_way_gets_its_answer(start: Start, tmp_path: Path) -> None:
    """It waits for the database when the signal comes; whoever asks later is answered, so this one has been read."""
    relay, content = start("serve", "--no-worker", env=good()), raw("k1")
    relay.wait_ready()
    with (
        closing(sqlite3.connect(tmp_path / "relay.db", isolation_level=None)) as other,
        socket.create_connection(("127.0.0.1", relay.port), PATIENCE) as caller,
    ):
        other.execute("BEGIN IMMEDIATE")
        caller.sendall(webhook(*GOOD_HEADERS, f"Content-Length: {len(content)}", content=content))
        assert requests.get(f"{relay.url}/healthz", timeout=PATIENCE).status_code == 200
        relay.process.send_signal(signal.SIGTERM)
        other.execute("ROLLBACK")
        answer = b"".join(iter(lambda: caller.recv(65_536), b""))
    assert answer.endswith(b'{"status":"accepted"}\n')
    assert relay.process.wait(PATIENCE) == 0


GUNICORN = "from relay.web import create_app; import threading; app = create_app(); print(len(threading.enumerate()))"


def test_the_app_from_the_environment_never_starts_delivery(tmp_path: Path) -> None:
    """`gunicorn 'relay.web:create_app()'` makes one in each of its processes."""
    env = good(PYTHONPATH=str(ROOT))
    done = subprocess.run(
        [sys.executable, "-c", GUNICORN], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout == "1\n"
    assert (tmp_path / "relay.db").exists()


def test_the_app_refuses_to_start_without_its_settings(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", GUNICORN], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "SettingsError" in done.stderr


DEMO_ENV = {"KOMMUNICATE_WEBHOOK_TOKEN": "", "DATABASE_URL": "nonsense", "HOST": "nonsense", "DYNO": "web.1"}


@pytest.fixture
def demo(start: Start, tmp_path: Path) -> RelayProcess:
    """A running demo; the environment is full of nonsense that it must not mind."""
    (tmp_path / ".env").write_text("RELAY_CONFIG=nonsense\n")
    (tmp_path / "tmp").mkdir()
    ports = ("--port", str(free_port()), "--sandbox-port", str(free_port()))
    relay = start("demo", *ports, env={**DEMO_ENV, "TMPDIR": str(tmp_path / "tmp")})
    relay.port = int(ports[1])
    assert wait_for(lambda: "Ctrl+C ends it" in (tmp_path / "0.log").read_text())
    return relay


@pytest.mark.parametrize(
    "signals", [ENDINGS[0], ENDINGS[1], ENDINGS[3]], ids=lambda signals: "+".join(one.name for one in signals)
)
def test_the_demo_ends_in_order_and_leaves_nothing_behind(
    demo: RelayProcess, tmp_path: Path, signals: tuple[signal.Signals, ...]
) -> None:
    assert list((tmp_path / "tmp").iterdir())
    for number in signals:
        demo.process.send_signal(number)
    assert demo.process.wait(PATIENCE) == 0
    assert not list((tmp_path / "tmp").iterdir())
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{demo.url}/readyz", timeout=PATIENCE)
    assert f"http://127.0.0.1:{demo.port}/readyz" in (tmp_path / "0.log").read_text()


def test_a_demo_that_is_told_to_stop_while_its_relay_starts_leaves_nothing_behind(start: Start, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    ports = ("--port", str(free_port()), "--sandbox-port", str(free_port()))
    relay = start("demo", *ports, env={"TMPDIR": str(tmp_path / "tmp")})
    assert wait_for(lambda: list((tmp_path / "tmp").glob("*/relay.log")) != [])
    relay.process.send_signal(signal.SIGTERM)
    assert relay.process.wait(IN_TIME) == 0
    assert not list((tmp_path / "tmp").iterdir())
    assert (tmp_path / "0.log").read_text() == ""


def test_a_stop_signal_that_comes_before_anybody_waits_for_it_is_not_lost(tmp_path: Path) -> None:
    """Nor does it break off what is being done when it comes."""
    waits = "import os, signal; from relay.cli.running import stop_signals; told = stop_signals(); "
    signals = "".join(f"os.kill(os.getpid(), signal.{one.name}); " for one in (signal.SIGTERM, signal.SIGINT))
    command = [sys.executable, "-c", f"{waits}{signals}print('goes on'); told.recv(1); print('ends')"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("goes on\nends\n", "", 0)


def test_nohup_is_heeded() -> None:
    """Nothing can be read of a terminal that was closed."""
    nohup = "import os, signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
    waits = "from relay.cli.running import stop_signals; told = stop_signals(); told.setblocking(False); "
    command = [sys.executable, "-c", f"{nohup}{waits}os.kill(os.getpid(), signal.SIGHUP); told.recv(1)"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert "BlockingIOError" in done.stderr


def test_a_demo_ends_at_once_though_browsers_keep_connections_to_it(start: Start, tmp_path: Path) -> None:
    port = free_port()
    relay = start("demo", "--quiet", "--port", str(free_port()), "--sandbox-port", str(port), env={})
    assert wait_for(lambda: "Ctrl+C ends it" in (tmp_path / "0.log").read_text())
    with ExitStack() as browsers:
        for _ in range(8):
            browsers.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE))
        relay.process.send_signal(signal.SIGINT)
        assert relay.process.wait(IN_TIME) == 0


def test_it_starts_without_standard_files(tmp_path: Path) -> None:
    """Some supervisors close them."""
    command = f"exec {sys.executable} -m relay serve --no-worker <&- >&- 2>&-"
    env = {**lone_environment("sqlite:///relay.db"), "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    with subprocess.Popen(["sh", "-c", command], cwd=tmp_path, env=env) as process:
        try:
            address = f"http://127.0.0.1:{env['PORT']}/readyz"
            assert wait_for(lambda: process.poll() is not None or _answers(address))
            assert process.poll() is None
            numbers = [Path(f"/proc/{process.pid}/fd/{number}") for number in range(3)]
            assert sys.platform != "linux" or [str(one.readlink()) for one in numbers] == ["/dev/null"] * 3
        finally:
            process.terminate()


def _answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=PATIENCE).status_code == 200
    except requests.ConnectionError:
        return False


ARENAS_OF_TWENTY_THREADS = """
import ctypes, threading
from relay.cli.running import share_memory
share_memory()
libc, all_have_some = ctypes.CDLL(None), threading.Barrier(20)
libc.fdopen.restype = ctypes.c_void_p
def take():
    libc.malloc(1000)
    all_have_some.wait()
threads = [threading.Thread(target=take) for _ in range(20)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
output = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, output)
libc.fflush(output)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives threads memory of their own")
def test_threads_share_two_pools_of_memory() -> None:
    command = [sys.executable, "-c", ARENAS_OF_TWENTY_THREADS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert done.stdout.count("<heap nr=") == 2


def test_the_demo_finds_other_ports_where_its_own_are_taken(start: Start, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        relay = start("demo", "--quiet", "--port", port, "--sandbox-port", port, env={})
        assert wait_for(lambda: "Ctrl+C ends it" in (tmp_path / "0.log").read_text())
    relay.process.send_signal(signal.SIGTERM)
    assert relay.process.wait(PATIENCE) == 0
    assert f":{port}" not in (tmp_path / "0.log").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody tells a process that its parent has died")
def test_a_demo_that_is_killed_leaves_no_relay_behind(demo: RelayProcess) -> None:
    demo.process.send_signal(signal.SIGKILL)
    demo.process.wait(PATIENCE)

    def is_gone() -> bool:
        try:
            requests.get(f"{demo.url}/readyz", timeout=PATIENCE)
        except requests.ConnectionError:
            return True
        return False

    assert wait_for(is_gone)


def test_a_web_alone_tells_others_what_came(start: Start, postgres_database_url: str) -> None:
    relay = start("serve", "--no-worker", env=lone_environment(postgres_database_url))
    relay.wait_ready()
    heard = threading.Event()
    with closing(open_store(postgres_database_url)) as store, Listener(store, heard.set):
        assert heard.wait(PATIENCE)  # it listens
        heard.clear()
        assert relay.post(body()).status_code == 200
        assert heard.wait(PATIENCE)


def test_a_worker_alone_listens(start: Start, postgres_database_url: str) -> None:
    start("worker", env=lone_environment(postgres_database_url))
    with psycopg.connect(postgres_database_url, autocommit=True) as admin:
        assert wait_for(lambda: admin.execute(f"SELECT 1 {LISTENS}").fetchone() is not None)
