"""Customers who are slow to take their files hold up nobody."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import requests

from relay.sandbox import SandboxServer
from relay.store.db.engine import open_store
from relay.web.server import THREADS
from tests.crash.test_file_failpoints import CHANNEL, LINK, Town
from tests.harness import PATIENCE, auth, body, timeline, wait_for

LARGE = 24 * 1024 * 1024


def test_clients_that_do_not_read_keep_no_webhook_waiting(
    live_server: Callable[..., SandboxServer], database_url: str, tmp_path: Path
) -> None:
    with closing(open_store(database_url)) as store:
        town = Town(live_server(), store, tmp_path)
        town.begin()
        with town.relay() as relay:
            relay.wait_ready()
            slack = town.server.sandbox.slack
            root = next(one["ts"] for one in timeline(town.server) if one["thread_ts"] is None)
            file = slack.cabinet.put("large.bin", content=bytes(LARGE))
            slack.human_writes(CHANNEL, "see this", thread_ts=root, files=[file])
            assert wait_for(lambda: len(town.reached()) == 1, 60), town.said()
            (link,) = LINK.findall(town.reached()[0])
            parts = urlsplit(link)
            clients = [socket.create_connection((parts.hostname, parts.port)) for _ in range(2 * THREADS)]
            try:
                for client in clients:
                    client.sendall(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
                for number in range(5):
                    url = f"{relay.url}/kommunicate/webhook"
                    answer = requests.post(url, json=body(f"k{number}", 123456), headers=auth(), timeout=PATIENCE)
                    assert answer.status_code == 200
            finally:
                for client in clients:
                    client.close()
