"""Carries out a fault on the caller's socket."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Iterator
from threading import Event

from flask import Response, request

from relay.sandbox.faults import Fault

Act = Callable[[], Response]
Refuse = Callable[[Fault], Response]

PROXY_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


def answer(fault: Fault | None, act: Act, refuse: Refuse, closing: Event) -> Response:
    """Calls `act` or not and answers or not, as the fault says; `refuse` produces a vendor's own error."""
    if fault is None:
        return act()
    if fault.kind in ("error", "missing_scope"):
        return refuse(fault)
    if fault.kind == "ratelimited":
        return _rate_limited(fault)
    if fault.kind in ("html", "status"):
        return _instead(fault, act)
    if fault.kind.endswith("_before"):
        return _silence(fault, closing)
    response = act()
    if fault.kind.endswith("_after"):
        return _silence(fault, closing)
    return _late_or_broken(fault, response, closing)


def _rate_limited(fault: Fault) -> Response:
    status = fault.status or 429
    body = {"ok": False, "error": "ratelimited" if status == 429 else "rate_limited"}
    response = Response(json.dumps(body), status, mimetype="application/json")
    if fault.retry_after is not None:
        response.headers["Retry-After"] = fault.retry_after
    return response


def _instead(fault: Fault, act: Act) -> Response:
    if fault.done:
        act()
    if fault.kind == "html":
        return Response(PROXY_PAGE, fault.status or 502, mimetype="text/html")
    return Response("", fault.status or 500, mimetype="text/plain")


def _silence(fault: Fault, closing: Event) -> Response:
    seconds = fault.seconds if fault.kind.startswith("timeout") else 0.0
    return Response(_hang_up(request.environ.get("werkzeug.socket"), seconds, closing))


def _hang_up(connection: socket.socket | None, seconds: float, closing: Event) -> Iterator[bytes]:
    closing.wait(seconds)
    if connection is not None:
        # linger 0 makes the close a real RST; the server then sends no FIN (see server.py)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionResetError("scripted by the sandbox")
    yield b""


def _late_or_broken(fault: Fault, response: Response, closing: Event) -> Response:
    body = response.get_data()
    if fault.kind == "slow":
        closing.wait(fault.seconds)
    elif fault.kind == "truncated":
        response.set_data(body[: len(body) // 2])
        if response.mimetype != "application/json":  # with a file, nobody could otherwise tell that half is missing
            response.headers["Content-Length"] = str(len(body))
    elif fault.kind == "drip":
        response.response = _drip(body, fault.interval, closing)
    elif fault.kind == "drip_headers":
        whole = f"HTTP/1.0 {response.status}\r\n{response.headers}".encode() + body
        return Response(_drip_by_hand(request.environ.get("werkzeug.socket"), whole, fault.interval, closing))
    return response


def _drip_by_hand(connection: socket.socket | None, whole: bytes, interval: float, closing: Event) -> Iterator[bytes]:
    """Bypasses the server, which sends a head in one piece."""
    if connection is not None:
        for piece in _drip(whole, interval, closing):
            connection.sendall(piece)
    raise ConnectionResetError("scripted by the sandbox")
    yield b""


def _drip(body: bytes, interval: float, closing: Event) -> Iterator[bytes]:
    for byte in body:
        if closing.wait(interval):
            return
        yield bytes((byte,))
