"""One call to a vendor: determine its fault, carry the call out or not, and record it."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response

from relay.sandbox.faults import Fault
from relay.sandbox.misbehave import Refuse, answer
from relay.sandbox.sandbox import Sandbox

Outcome = tuple[Response, str]  # the answer, and "ok" or the vendor's error code


def answered(
    sandbox: Sandbox, method: str, place: str, act: Callable[[Fault | None], Outcome], refuse: Refuse
) -> Response:
    """Answers as the faults for `method` say; `place` is the channel, conversation or file that the call is about."""
    fault = sandbox.faults.take(method, place)
    outcome = {"text": "not done"}

    def do() -> Response:
        response, outcome["text"] = act(fault)
        return response

    response = answer(fault, do, refuse, sandbox.core.closing)
    sandbox.record(method, place, outcome["text"], response.status_code, fault)
    return response
