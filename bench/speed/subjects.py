"""What is measured: the relay in several configurations, and its counterparts; each is started afresh every round."""

from __future__ import annotations

import base64
import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import requests

from bench.speed.counterparts import node_red
from bench.speed.databases import Postgres
from bench.speed.processes import PYTHON, Family, running, wait_until
from bench.speed.slack import SlackStub
from tests.harness import TOKEN, free_port

GROUPS = list(range(7000, 7050))  # conversations, each with its own channel
WEBHOOK = "/kommunicate/webhook"
HEADERS = {"Authentication": "Basic " + base64.b64encode(TOKEN.encode()).decode()}
START_WAIT = 60.0  # seconds
# Slack's own limit would be what is measured, so here it accepts any number of posts.
CONFIG = "delivery: {posts_per_second: 100000, burst: 100000}\nchannels:\n" + "".join(
    f"  {group}: C0B{group}\n" for group in GROUPS
)
_RUNS = itertools.count(1)


@dataclass
class Running:
    """A running subject: its processes, and where it listens."""

    families: list[Family]
    port: int
    postgres: Postgres | None = None

    def cpu_seconds(self) -> float:
        """CPU time of its processes so far, without the database server's."""
        return sum(one.cpu_seconds() for one in self.families)

    def resident_bytes(self) -> int:
        """Memory that its processes hold."""
        return sum(one.resident_bytes() for one in self.families)

    def answers(self, path: str) -> bool:
        """True if a request for this path gets no server error."""
        dead = [one for one in self.families if one.has_ended]
        if dead:
            raise RuntimeError(f"a process ended at its start:\n{dead[0].tail()}")
        try:
            return requests.get(f"http://127.0.0.1:{self.port}{path}", timeout=5).status_code < 500
        except requests.RequestException:
            return False


@dataclass(frozen=True)
class Subject:
    """`commands` are its processes; `delivers`: it posts to Slack at all; `prepare` fills its folder.

    `missing` returns a sentence that says why it cannot take part on this machine.
    """

    name: str
    commands: Sequence[Sequence[str]]
    ready: str = WEBHOOK
    delivers: bool = True
    database: str = ""
    prepare: Callable[[Path], None] | None = None
    missing: Callable[[], str] = str

    def launch(self, folder: Path, slack: SlackStub, postgres: Postgres | None, url: str, **more: str) -> Running:
        """Start its processes; `more` is added to their environment."""
        port, redis_port = free_port(), free_port()
        env = {
            "PORT": str(port),
            "HOST": "127.0.0.1",
            "DATABASE_URL": url,
            "RELAY_CONFIG_YAML": CONFIG,
            "KOMMUNICATE_WEBHOOK_TOKEN": TOKEN,
            "SLACK_BOT_TOKEN": "xoxb-bench",
            "SLACK_API_URL": slack.api_url,
            "RELAY_METRICS_TOKEN": "metrics-token",
            "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
            **more,
        }
        started = Running([], port, postgres if self.database == "postgres" else None)
        for number, command in enumerate(self.commands):
            log = f"{self.name.replace(' ', '-').replace('/', '')}-{next(_RUNS)}-{number}.log"
            words = [word.replace("{redis}", str(redis_port)) for word in command]
            started.families.append(Family(words, folder, env, log=log))
        return started

    @contextmanager
    def place(self, slack: SlackStub, postgres: Postgres | None) -> Iterator[tuple[Path, str]]:
        """Yield a folder, the URL of an empty database for it, and a Slack that has forgotten everything."""
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="relay-speed-")))
            if self.prepare is not None:
                self.prepare(folder)
            slack.reset()
            url = f"sqlite:///{folder / 'relay.db'}"
            if self.database == "postgres":
                assert postgres is not None
                url = postgres.new_database()
                stack.callback(postgres.drop, url)
            yield folder, url

    @contextmanager
    def started(self, slack: SlackStub, postgres: Postgres | None, **more: str) -> Iterator[Running]:
        """Start it afresh, with nothing stored, and wait until it answers; it is killed at the end. `more` is added to
        its environment.
        """
        with self.place(slack, postgres) as (folder, url):
            run = self.launch(folder, slack, postgres, url, **more)
            with running(run.families):
                wait_until(lambda: run.answers(self.ready), START_WAIT, f"{self.name} did not start")
                yield run


def _python(module: str) -> tuple[str, ...]:
    return (*PYTHON, "bench.speed.counterparts.serving", module)


def _without(program: str, *modules: str) -> Callable[[], str]:
    """Why something that needs this program, and these packages of the extra `bench`, cannot take part."""

    def missing() -> str:
        if program and shutil.which(program) is None:
            return f"there is no {program} here"
        absent = [name for name in modules if find_spec(name) is None]
        return f"the package {absent[0]} is not installed" if absent else ""

    return missing


SERVE, WEB, WORKER = ((*PYTHON, "relay", *words) for words in (("serve",), ("serve", "--no-worker"), ("worker",)))
REDIS = ("redis-server", "--port", "{redis}", "--dir", ".", "--bind", "127.0.0.1")
EMPTY = Subject("empty endpoint", [_python("empty")], delivers=False)
NAIVE = Subject("naive inline", [_python("naive")])
_HUEY = (*PYTHON, "huey.bin.huey_consumer", "bench.speed.counterparts.huey_relay.huey")
_HUEY_WAYS = ("-k", "thread", "-w", "8", "-d", "0.01", "-m", "0.02", "-q")
HUEY = Subject("Huey, SQLite", [_python("huey_relay"), (*_HUEY, *_HUEY_WAYS)], missing=_without("", "huey"))
_POOL = (
    *PYTHON,
    "rq.cli",
    "worker-pool",
    "-n",
    "4",
    "-q",
    "-w",
    "rq.worker.SimpleWorker",
    "-u",
    "redis://127.0.0.1:{redis}/0",
)
RQ = Subject("RQ, Redis", [REDIS, _python("rq_relay"), _POOL], missing=_without("redis-server", "rq"))
_CELERY = (*PYTHON, "celery", "-A", "bench.speed.counterparts.celery_relay:tasks", "-q", "worker")
_CELERY_WAYS = ("-P", "threads", "-c", "8", "-l", "error", "--without-gossip", "--without-mingle")
CELERY = Subject(
    "Celery, Redis",
    [REDIS, _python("celery_relay"), (*_CELERY, *_CELERY_WAYS)],
    missing=_without("redis-server", "celery"),
)
NODE_RED = Subject("Node-RED", [node_red.COMMAND], "/", prepare=node_red.prepare, missing=lambda: node_red.missing())
PEERS = (NODE_RED, HUEY, RQ, CELERY)
TITLES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}
RELAY = {kind: Subject(f"relay, {TITLES[kind]}", [SERVE], "/readyz", database=kind) for kind in TITLES}
APART = {kind: Subject(f"{one.name}, apart", [WEB, WORKER], "/readyz", database=kind) for kind, one in RELAY.items()}
