"""What is recorded of the way of a message, before anybody makes traces of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from relay import spans
from relay.errors import RateLimited, Unsure
from relay.spans import Kind, Span


class Taken(list[Span]):
    """Whoever takes finished traces."""

    stopped: float | None = None

    def export(self, trace: Span) -> None:
        self.append(trace)

    def stop(self, within: float) -> None:
        self.stopped = within


@pytest.fixture
def taken() -> Iterator[Taken]:
    taken = Taken()
    spans.use(taken)
    yield taken
    spans.use(None)


def shape(span: Span) -> tuple[str, list[object]]:
    return span.name, [shape(one) for one in span.parts]


def test_what_is_done_meanwhile_is_a_part_of_it(taken: Taken) -> None:
    with spans.trace("attempt", Kind.ATTEMPT):
        spans.is_about("r1")
        with spans.span("send"):
            with spans.span("chat.postMessage", Kind.CALL):
                pass
            with spans.span("settle"):
                pass
    (trace,) = taken
    assert shape(trace) == ("attempt", [("send", [("chat.postMessage", []), ("settle", [])])])


class Ending(list[str]):
    """Tracing is switched off while it is looked at."""

    def __bool__(self) -> bool:
        spans.use(None)
        return True


def test_what_ends_at_the_same_moment_as_tracing_is_none_the_worse(taken: Taken) -> None:
    with spans.trace("attempt", Kind.ATTEMPT) as trace:
        assert isinstance(trace, Span)
        trace.about = Ending(["r1"])
    assert len(taken) == 1


def test_a_trace_about_nothing_that_came_in_is_nobodys(taken: Taken) -> None:
    with spans.trace("attempt", Kind.ATTEMPT), spans.span("card"):
        spans.is_about(None)
    assert taken == []


def test_it_is_about_each_thing_once_in_order(taken: Taken) -> None:
    with spans.trace("attempt", Kind.ATTEMPT):
        spans.is_about("r2 r1")
        spans.is_about("r1 r3")
    assert taken[0].about == ["r2", "r1", "r3"]


@spans.traced("attempt", Kind.ATTEMPT)
def fails(error: BaseException) -> None:
    spans.is_about("r1")
    with spans.span("call"):
        raise error


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (Unsure("nobody is to read this", code="deadline"), "deadline"),
        (RateLimited(1.0, method="x"), "ratelimited"),
        (KeyError("words"), "KeyError"),
        (SystemExit(3), "SystemExit"),
    ],
)
def test_a_failure_comes_through_and_is_called_by_its_code_or_its_type(
    taken: Taken, error: BaseException, name: str
) -> None:
    with pytest.raises(type(error)):
        fails(error)
    assert (taken[0].error, taken[0].parts[0].error) == (name, name)


def test_it_has_begun_when_it_is_said_to(taken: Taken) -> None:
    with spans.trace("attempt", Kind.ATTEMPT, begun=1.5):
        spans.is_about("r1")
        spans.add("take", 1.5)
    assert taken[0].begun == taken[0].parts[0].begun == 1.5
    assert 1.5 < taken[0].parts[0].ended <= taken[0].ended


def test_without_an_exporter_nothing_is_recorded() -> None:
    with spans.trace("attempt", Kind.ATTEMPT) as trace, spans.span("send") as span:
        spans.note(outcome="delivered")
        spans.is_about("r1")
        spans.add("take", 0.0)
        spans.fail(KeyError())
    assert (trace, span) == (None, None)


def test_what_is_open_when_it_stops_ends_without_a_word(taken: Taken) -> None:
    with spans.trace("attempt", Kind.ATTEMPT):
        spans.is_about("r1")
        spans.stop(2.0)
    assert (list(taken), taken.stopped) == ([], 2.0)
