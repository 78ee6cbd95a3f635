"""One call to a vendor: its fault is taken, what it asks for is done or not, and it is written down."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response

from relay.sandbox.faults import Fault
from relay.sandbox.misbehave import Refuse, answer
from relay.sandbox.sandbox import Sandbox

Outcome = tuple[Response, str]  # what is answered, and "ok" or the vendor's word for what went wrong


def answered(
    sandbox: Sandbox, method: str, place: str, act: Callable[[Fault | None], Outcome], refuse: Refuse
) -> Response:
    """Answers as the faults for `method` say; `place` is the channel, conversation or file that it is about."""
    fault = sandbox.faults.take(method, place)
    outcome = {"text": "not done"}

    def do() -> Response:
        response, outcome["text"] = act(fault)
        return response

    response = answer(fault, do, refuse, sandbox.core.closing)
    sandbox.record(method, place, outcome["text"], response.status_code, fault)
    return response
