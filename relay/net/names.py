"""Resolves host names in a separate thread, because the system offers no way to cancel a look-up."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[Any, ...]]

_lock = threading.Lock()
_under_way: dict[tuple[str, int], Future[Sequence[Address]]] = {}


def addresses(host: str, port: int, seconds: float) -> Sequence[Address]:
    """Return the addresses of `host`, like `socket.getaddrinfo`; raise OSError, also after `seconds`.

    A slower look-up continues, and later calls for the same host wait for it.
    """
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:  # it is a name
        return _looking_up(host, port).result(seconds)


def _looking_up(host: str, port: int) -> Future[Sequence[Address]]:
    with _lock:
        found = _under_way.get((host, port))
        if found is None:
            found = Future()
            try:
                threading.Thread(target=_look_up, args=(host, port, found), daemon=True).start()
            except RuntimeError:  # the machine has no more threads
                raise OSError("no thread for a look-up") from None
            _under_way[host, port] = found  # not done before, because that takes the lock
        return found


def _look_up(host: str, port: int, found: Future[Sequence[Address]]) -> None:
    try:
        result = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # UnicodeError: a name with an empty or too long part
        failure = error if isinstance(error, OSError) else OSError("not a host's name")
        _done(host, port)
        found.set_exception(failure)
    else:
        _done(host, port)
        found.set_result(result)


def _done(host: str, port: int) -> None:
    with _lock:
        del _under_way[host, port]


def _forget() -> None:
    """After a fork, nobody finishes the look-ups of the process before."""
    global _lock
    _lock = threading.Lock()
    _under_way.clear()


os.register_at_fork(after_in_child=_forget)
