"""Threads that are used again: no work waits for a busy one, and none stays behind."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from relay.delivery.threads import Threads
from tests.harness import PATIENCE, wait_for


def alive(name: str) -> int:
    return sum(thread.name == name for thread in threading.enumerate())


def test_one_after_the_other_is_done_by_the_same_thread() -> None:
    threads, who = Threads("again"), []
    for number in range(20):
        threads.start(lambda: who.append(threading.get_ident()))
        assert wait_for(lambda count=number + 1: len(who) == count and threads._idle == 1)
    assert len(set(who)) == 1


def test_what_comes_while_all_are_busy_is_done_at_once() -> None:
    threads, together = Threads("busy"), threading.Barrier(8)
    for _ in range(7):
        threads.start(lambda: together.wait(PATIENCE) and None)
    together.wait(PATIENCE)  # none of them waits for another one's end


def test_whatever_is_started_while_others_end_for_want_of_work_is_done_once() -> None:
    """Each thread ends as soon as it has nothing to do: what is started just then is lost to none of them."""
    threads, done, lock = Threads("brief", idle=0.0001), [0] * 2000, threading.Lock()

    def work(number: int) -> None:
        with lock:
            done[number] += 1

    with ThreadPoolExecutor(4) as pool:
        for number in range(len(done)):
            pool.submit(threads.start, lambda number=number: work(number))
    assert wait_for(lambda: sum(done) >= len(done))
    assert set(done) == {1}
    assert wait_for(lambda: alive("brief") == 0)


def test_two_at_a_time_are_not_left_to_one_idle_thread() -> None:
    threads, together = Threads("two"), threading.Barrier(3)
    threads.start(lambda: None)
    assert wait_for(lambda: threads._idle == 1)
    with threads._news:  # before the idle one has taken what is for it
        for _ in range(2):
            threads.start(lambda: together.wait(PATIENCE) and None)
    together.wait(PATIENCE)
