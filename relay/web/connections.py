"""Limits on top of waitress: endless requests, too many connections, repeated refusals, ambiguous lengths."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import BaseWSGIServer
from waitress.task import WSGITask

from relay.clock import monotonic

REQUEST_WITHIN = 30.0  # seconds from its first byte until a request must be complete: a MiB at 35 kB/s
QUIET = 60.0  # seconds for which a connection may idle between requests, or its client accept nothing of an answer
LOOK_EVERY = 2  # seconds
SPARE = 20  # places that are kept free for those who come
STRANGER = 10  # times as long seems the wait for somebody who has never sent a whole request
LARGE = 16_384  # bytes; so many answers of less as one read brings requests for do not fill what a thread waits for
UNTAKEN = 200 * 2**20  # bytes of answers that all clients together may leave with us, in memory and on disk
BIG = 32_768  # bytes; whoever sends a smaller request holds little of our memory
UNFINISHED = 64 * 2**20  # bytes in memory of big requests that are still coming in, from all clients together

REFUSED = ("401", "429")  # for a wrong secret, and for too many tries

_CODINGS = re.compile(rb"\r\ntransfer-encoding:([^\r]*)", re.IGNORECASE)
_FOLDED = re.compile(rb"\r\n[ \t]")


class Parser(HTTPRequestParser):
    """Answers 400 where the original fails, and closes a connection after a request whose length is ambiguous."""

    headers: dict[str, str]

    def parse_header(self, header_plus: bytes) -> None:
        """Read the head of a request; raises ParsingError for what becomes a 400."""
        if _FOLDED.search(header_plus):  # RFC 9112, 5.2: proxies disagree about its meaning
            raise ParsingError("A header goes on in a second line")
        try:
            super().parse_header(header_plus)
        except ValueError:  # a length of thousands of digits, half an address in brackets
            raise ParsingError("The request cannot be read") from None
        # RFC 9112, 6.1 and 6.3: if two lengths may differ, what follows may be somebody else's request.
        codings = _CODINGS.findall(header_plus)
        plain = len(codings) == 1 and codings[0].strip(b" \t").lower() == b"chunked" and self.chunked
        if codings and (not plain or "CONTENT_LENGTH" in self.headers):
            self.headers["CONNECTION"] = "close"


class Answer(WSGITask):
    """An answer; one that refuses ends its connection, so that whoever tries on and on has to come anew each time.

    So does a large one to somebody who has asked for more already: until they have taken it, the next one would hold a
    thread.
    """

    def build_response_header(self) -> bytes:
        """The head of the answer."""
        if self.status.startswith(REFUSED):
            self.set_close_on_finish()
        return super().build_response_header()

    def finish(self) -> None:
        """The end of the answer."""
        super().finish()
        with self.channel.requests_lock:  # type: ignore[attr-defined]  # by now all is known that came along with this
            asks_for_more = len(self.channel.requests) > 1
        if asks_for_more and (self.content_length or 0) > LARGE:
            self.close_on_finish = True


class Connection(HTTPChannel):
    """A connection that knows when its current request began.

    waitress itself only notices silence: a client could stay for ever by sending a byte now and then.
    """

    parser_class = Parser
    task_class = Answer
    _map: dict[int, Any]  # everything in the server's loop
    _fileno: int | None
    server: Any  # waitress's, which counts the bytes of big requests that are still coming in
    request: Any  # the one that is coming in, if any
    since: float | None = None  # when its unfinished request began, on the monotonic clock
    proven = False  # whether it has ever received a complete request
    counted = 0  # bytes of its own one, if that is big

    def __init__(self, server: BaseWSGIServer, *args: Any, **rest: Any) -> None:
        """When all places are taken, a new connection replaces another."""
        self.moved = monotonic()  # when it was opened, was answered, or accepted part of an answer
        super().__init__(server, *args, **rest)
        if len(self._map) > self.adj.connection_limit - SPARE:
            _make_room(self._map, self)

    def handle_read(self) -> None:
        """Read what has arrived."""
        if self.since is None:
            self.since = monotonic()
        super().handle_read()
        coming = None if self._fileno is None else self.request
        self.count(0 if coming is None else coming.header_bytes_received + coming.body_bytes_received)
        if self.server.unfinished > UNFINISHED:
            _make_memory(self.server, self._map)

    def count(self, unfinished: int) -> None:
        """So many bytes of a request are in memory; only the server's loop says so."""
        before, self.counted = self.counted, unfinished if unfinished >= BIG else 0
        self.server.unfinished += self.counted - before

    def del_channel(self, map: Any = None) -> None:
        """It is closed."""
        self.count(0)
        super().del_channel(map)

    def service(self) -> None:
        """Answer a complete request, in one of the threads."""
        self.since, self.proven, self.moved = None, True, monotonic()
        super().service()
        self.moved = monotonic()
        if self.total_outbufs_len:
            _make_space(self._map)

    def send(self, data: bytes, do_close: bool = True) -> int:  # noqa: FBT001, FBT002 - as waitress has it
        """Send as much of an answer as the client accepts."""
        sent = super().send(data, do_close)
        if sent:
            self.moved = monotonic()
        return sent

    def is_late(self, now: float) -> bool:
        """Whether its client has used up its time; not while its request is being answered."""
        unfinished = self.since is not None and self.since < now - REQUEST_WITHIN
        return not self.requests and (unfinished or self.moved < now - QUIET)

    def burden(self, now: float) -> tuple[bool, float]:
        """How readily it is dropped for another; one that is receiving an answer is last."""
        waited = now - (self.since or self.moved)
        return not self.total_outbufs_len, waited if self.proven else waited * STRANGER

    def drop(self) -> None:
        """Close it at the next pass of the server's loop, even if its client accepts nothing."""
        self.will_close = True
        if self.socket is not None:
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)


def keep_moving(server: BaseWSGIServer, sockets: Mapping[int, Any]) -> None:
    """Close this server's stalled connections, and keep places free for new ones."""

    def drop_late(_time: float) -> None:
        now = monotonic()
        for channel in _connections(sockets):
            if channel.is_late(now):
                channel.drop()

    server.unfinished = 0  # type: ignore[attr-defined]
    server.channel_class = Connection
    server.maintenance = drop_late  # type: ignore[method-assign, assignment]


def _make_room(sockets: Mapping[int, Any], newcomer: Connection) -> None:
    """Drop the connection that has stalled longest, rather than refuse the new one."""
    now = monotonic()
    waiting = [one for one in _connections(sockets) if not (one is newcomer or one.requests or one.will_close)]
    if waiting:
        max(waiting, key=lambda one: one.burden(now)).drop()


def _make_space(sockets: Mapping[int, Any]) -> None:
    """Drop those that have taken nothing of their answers for longest, where too much waits to be taken."""
    taking = [one for one in _connections(sockets) if one.total_outbufs_len and not one.will_close]
    left = sum(one.total_outbufs_len for one in taking)
    for one in sorted(taking, key=lambda one: one.moved):
        if left <= UNTAKEN:
            return
        left -= one.total_outbufs_len
        one.drop()


def _make_memory(server: Any, sockets: Mapping[int, Any]) -> None:
    """Drop whose big requests have kept the server waiting longest, where too much of those is in memory."""
    now = monotonic()
    big = [one for one in _connections(sockets) if one.server is server and one.counted]
    for one in sorted(big, key=lambda one: one.burden(now), reverse=True):
        if server.unfinished <= UNFINISHED:
            return
        one.drop()
        one.count(0)


def _connections(sockets: Mapping[int, Any]) -> list[Connection]:
    return [one for one in list(sockets.values()) if isinstance(one, Connection)]  # a list: the loop changes it
