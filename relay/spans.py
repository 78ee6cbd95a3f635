"""What takes time on a message's way, as spans: recorded where it happens, handed to whoever exports traces.

By default nobody does, and then nothing is recorded. What a thread does while it has a trace open is a part of it.
Facts are ids, codes and numbers; never words, names, tokens or addresses that open something.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import wraps
from types import TracebackType
from typing import Any, ParamSpec, Protocol, TypeVar

from relay.clock import monotonic

P = ParamSpec("P")
R = TypeVar("R")


class Kind(Enum):
    """What a span is about."""

    CAME_IN = auto()  # something of a vendor's, until it is answered
    ATTEMPT = auto()  # one attempt to send something on
    CALL = auto()  # one call to a vendor
    PART = auto()  # anything else


@dataclass(slots=True)
class Span:
    """Something that took time; `begun` and `ended` are on the monotonic clock.

    `error` is what it ended with, "" if all went well. `about` is what came in that a trace is about, by the names the
    log gives it (`r12`).
    """

    name: str
    kind: Kind = Kind.PART
    begun: float = field(default_factory=monotonic)
    ended: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    parts: list[Span] = field(default_factory=list)
    about: list[str] = field(default_factory=list)
    _outer: Span | None = field(default=None, repr=False)

    def __enter__(self) -> Span:
        self._outer, _open.span = _open.span, self
        if self._outer is None:
            _open.trace = self
        else:
            self._outer.parts.append(self)
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        self.ended = monotonic()
        self.error = self.error or _name_of(error)
        _open.span, self._outer = self._outer, None
        if _open.span is None:
            _open.trace = None
            exporter = _exporter  # once: the end of the process may take it away at any moment
            if exporter is not None and self.about:
                exporter.export(self)


class Exporter(Protocol):
    """Whoever takes finished traces."""

    def export(self, trace: Span) -> None:
        """Take a trace; raises nothing and waits for nobody."""

    def stop(self, within: float) -> None:
        """Hand on what is left, for `within` seconds at most."""


class _Open(threading.local):
    """What this thread has open."""

    span: Span | None = None
    trace: Span | None = None


_open = _Open()
_exporter: Exporter | None = None
_nothing: AbstractContextManager[object] = nullcontext()


def use(exporter: Exporter | None) -> None:
    """From now on hand traces to `exporter`; None for nobody."""
    global _exporter
    _exporter = exporter


def stop(within: float) -> None:
    """Record nothing more, and hand on what is left, for `within` seconds at most."""
    exporter = _exporter
    use(None)
    if exporter is not None:
        exporter.stop(within)


def trace(name: str, kind: Kind, begun: float | None = None) -> AbstractContextManager[object]:
    """Record what the block does as a trace, where somebody exports them; `begun`: since then, not since now.

    It is exported if it turns out to be about something that came in (`is_about`).
    """
    if _exporter is None:
        return _nothing
    return Span(name, kind, monotonic() if begun is None else begun)


def traced(name: str, kind: Kind) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """The same for a function."""
    return _around(lambda: trace(name, kind))


def span(name: str, kind: Kind = Kind.PART, **facts: Any) -> AbstractContextManager[object]:
    """Record what the block does as a part of what this thread has open, if that is anything."""
    if _open.span is None:
        return _nothing
    return Span(name, kind, facts=facts)


def part(name: str, kind: Kind = Kind.PART) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """The same for a function."""
    return _around(lambda: span(name, kind))


def add(name: str, begun: float) -> None:
    """Something that began at `begun` and is over now is a part of what this thread has open."""
    if _open.span is not None:
        _open.span.parts.append(Span(name, begun=begun, ended=monotonic()))


def note(**facts: Any) -> None:
    """Add facts to the span that this thread has opened last; None says nothing."""
    if _open.span is not None:
        _open.span.facts.update(facts)


def fail(error: Exception) -> None:
    """The span that this thread has opened last failed, with an error that is raised no further."""
    if _open.span is not None:
        _open.span.error = _name_of(error)


def is_about(received: str | None) -> None:
    """The trace that this thread has open is about these things that came in: `r12`, or `r12 r13`."""
    if _open.trace is not None and received is not None:
        about = _open.trace.about
        about.extend(one for one in received.split() if one not in about)


def _around(begin: Callable[[], AbstractContextManager[object]]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
            with begin():
                return function(*args, **kwargs)

        return wrapped

    return decorate


def _name_of(error: BaseException | None) -> str:
    """What an error is called: the vendor's word, or ours; never its message."""
    if error is None:
        return ""
    code = getattr(error, "code", None)
    return code if isinstance(code, str) and code else type(error).__name__
