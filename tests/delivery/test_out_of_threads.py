"""A machine that gives no more threads for a moment: what was taken is free again, and nothing is left behind."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from relay.delivery.worker import Worker
from relay.net import names
from relay.sandbox import SandboxServer
from relay.store.db.engine import Store, open_store
from tests.harness import PATIENCE, context_with, timeline, wait_for, words
from tests.store.shelf import states, take_in


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[threading.Thread], bool], int], None]:
    """Let the next so many threads that fit not start."""
    start = threading.Thread.start

    def refusing(fits: Callable[[threading.Thread], bool], times: int) -> None:
        left = [None] * times

        def maybe(thread: threading.Thread) -> None:
            if left and fits(thread):
                left.pop()
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", maybe)

    return refusing


@pytest.fixture
def live(database_url: str) -> Iterator[Store]:
    store = open_store(database_url)
    yield store
    store.close()


def test_a_look_up_of_a_name_that_got_no_thread_is_made_by_the_next(
    refuse: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def local(host: str, *rest: int, **more: int) -> object:
        return real(host if "flags" in more else "127.0.0.1", *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", local)
    refuse(lambda _: True, 1)
    with pytest.raises(OSError, match="no thread"):
        names.addresses("relay.test", 80, 5.0)
    assert names.addresses("relay.test", 80, PATIENCE)


def test_an_attempt_that_got_no_thread_is_made_once_there_are_some(
    live: Store, live_server: Callable[..., SandboxServer], refuse: Callable[..., None]
) -> None:
    """Nothing was called, so nothing has to be looked for, and it does not stay in flight."""
    slack = live_server(pace=0)
    refuse(lambda thread: thread.name == "attempt", 5)
    worker = Worker(context_with(live, slack, delivery={"posts_per_second": 100, "burst": 100}))
    worker.start()
    for number in range(5):
        take_in(live, str(number), str(number))
    assert wait_for(lambda: states(live) == ["delivered"] * 5)
    assert worker.stop(PATIENCE)
    assert len([one for one in timeline(slack) if one["thread_ts"] and words(one)]) == 5
    assert not [call for call in slack.sandbox.calls if call["method"].startswith("conversations.replies")]
