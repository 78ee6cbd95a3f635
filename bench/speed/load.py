"""Writes webhooks over kept connections and reports how each was answered, as a process of its own that costs little.

    echo '{"port": 8080, "groups": [7001], ...}' | python -m bench.speed.load

The plan is JSON on standard input, see `Plan`; the result goes to standard output, see `Load.result`. Messages of one
conversation go over one connection, each after the answer to the previous one, so their order is defined.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

ANSWER_WAIT = 30.0  # seconds after the end of the load until an answer is given up


@dataclass(frozen=True, slots=True)
class Plan:
    """What to write, and where.

    With `rate` 0 it is a closed loop: each connection writes as soon as it has its answer, until `seconds` are over or
    `count` messages are written. Otherwise `rate` requests are sent per second, whatever the answers do.
    """

    port: int
    path: str
    headers: dict[str, str]
    groups: list[int]
    connections: int
    first: int  # the number of each conversation's first message
    run: str  # prefix of the keys
    rate: float = 0.0
    seconds: float = 5.0
    count: int = 10**9
    kill_at: int = 0  # after this many answers, these process groups are killed
    kill: tuple[int, ...] = ()
    again: float = 0.0  # seconds after which anything not answered 200 is sent again; 0: never


@dataclass(slots=True)
class Connection(asyncio.Protocol):
    """One kept connection, with what is to be written on it."""

    load: Load
    due: deque[tuple[float, int]] = field(default_factory=deque)
    groups: Any = None
    transport: Any = None
    busy: bool = False
    sent: tuple[float, int, int] = (0.0, 0, 0)
    rest: bytes = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.load.lost(self)

    def write(self, begun: float, group: int) -> None:
        """Send the next message of a conversation."""
        number = self.load.next_number(group)
        self.sent, self.busy = (begun, group, number), True
        self.transport.write(self.load.request(group, number))

    def write_again(self, wait: float) -> None:
        """Send the same message again, in this many seconds."""
        self.busy = True
        request = self.load.request(*self.sent[1:])
        asyncio.get_running_loop().call_later(wait, self.transport.write, request)

    def data_received(self, data: bytes) -> None:
        self.rest += data
        end = self.rest.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.rest[:end].lower()
        at = head.find(b"content-length:")
        if at < 0:
            sys.exit("an answer without a length")
        if len(self.rest) < end + 4 + int(head[at + 15 :].split(b"\r\n", 1)[0]):
            return
        status, self.rest, self.busy = int(head[9:12]), b"", False
        self.load.answered(self, status)


class Load:
    """A plan that is being carried out."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.rows: list[tuple[int, int, float, float, int]] = []
        self._numbers = dict.fromkeys(plan.groups, plan.first)
        self._written = 0
        self._ends = 0.0
        self._lost = 0
        self._at = f"{int(time.time() * 1000):013}"
        head = "".join(f"{name}: {value}\r\n" for name, value in plan.headers.items())
        length = len(self._body(plan.groups[0], 0))
        self._head = (
            f"POST {plan.path} HTTP/1.1\r\nHost: 127.0.0.1:{plan.port}\r\n{head}"
            f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        ).encode()

    def request(self, group: int, number: int) -> bytes:
        """The bytes of one webhook request."""
        return self._head + self._body(group, number)

    def _body(self, group: int, number: int) -> bytes:
        # All messages have the same length: groups have four digits.
        return (
            b'{"key": "%s-%04d-%07d", "from": "customer-%04d", "groupId": %04d, "clientGroupId": "%04d", '
            b'"groupName": "Conversation %04d", "message": "(m%04dx%07d) Where is my parcel? It should have been here '
            b'yesterday.", "timeStamp": %s, "contentType": 0, "source": 1, "metadata": {"plan": "basic"}}'
            % (self.plan.run.encode(), group, number, *(group,) * 5, number, self._at.encode())
        )

    def next_number(self, group: int) -> int:
        """The next number in a conversation."""
        self._written += 1
        number = self._numbers[group]
        self._numbers[group] = number + 1
        return number

    def answered(self, connection: Connection, status: int) -> None:
        """Record an answer, and continue with what is due on that connection."""
        now = time.monotonic()
        begun, group, number = connection.sent
        if status != 200 and self.plan.again and now < self._ends:
            connection.write_again(self.plan.again)
            return
        self.rows.append((group, number, begun, now - begun, status))
        if len(self.rows) == self.plan.kill_at:
            for one in self.plan.kill:
                os.killpg(one, signal.SIGKILL)
        if not self.plan.rate:
            if now < self._ends and self._written < self.plan.count:
                connection.write(now, next(connection.groups))
        elif connection.due:
            connection.write(*connection.due.popleft())

    def lost(self, connection: Connection) -> None:
        """The server is gone: nothing more is written on this connection."""
        if connection.busy:
            begun, group, number = connection.sent
            self.rows.append((group, number, begun, time.monotonic() - begun, 0))
            connection.busy = False
        connection.due.clear()
        self._lost += 1

    async def run(self) -> None:
        """Run until everything is written and answered, or given up."""
        plan, loop = self.plan, asyncio.get_running_loop()
        size = min(plan.connections, len(plan.groups))
        connections = []
        for number in range(size):
            _, one = await loop.create_connection(lambda: Connection(self), "127.0.0.1", plan.port)
            one.groups = cycle(plan.groups[number::size])
            connections.append(one)
        begun = time.monotonic()
        self._ends = begun + plan.seconds
        if plan.rate:
            await self._at_rate(connections, begun)
        else:
            for one in connections:
                one.write(time.monotonic(), next(one.groups))
        while any(one.busy or one.due for one in connections) and time.monotonic() < self._ends + ANSWER_WAIT:
            await asyncio.sleep(0.01)

    async def _at_rate(self, connections: list[Connection], begun: float) -> None:
        for number in range(min(int(self.plan.rate * self.plan.seconds), self.plan.count)):
            wait = begun + number / self.plan.rate - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            group = self.plan.groups[number % len(self.plan.groups)]
            one, now = connections[number % len(self.plan.groups) % len(connections)], time.monotonic()
            if one.busy:
                one.due.append((now, group))
            elif not one.transport.is_closing():
                one.write(now, group)

    def result(self) -> dict[str, Any]:
        """`rows`: conversation, number, when it was due (monotonic), seconds to the answer, status (0: none)."""
        return {"rows": self.rows, "lost_connections": self._lost}


def main() -> None:
    load = Load(Plan(**json.load(sys.stdin)))
    gc.disable()  # its pauses would count as the server's
    asyncio.run(load.run())
    json.dump(load.result(), sys.stdout)


if __name__ == "__main__":
    main()
