"""What a kill -9 in the middle of a burst costs: messages answered 200 that are not posted, duplicated, or out of
order.

All processes of a subject are killed at once, as when a machine is switched off, and started again in the same folder.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress

from bench.speed.loading import OPENING, Load, Row, open_threads
from bench.speed.processes import running, wait_until
from bench.speed.records import Value
from bench.speed.scene import Scene
from bench.speed.slack import Post
from bench.speed.subjects import GROUPS, START_WAIT, Subject

CONVERSATIONS = GROUPS[:20]
KILL_AT, BURST = 900, 1_000  # killed after this many answers
PATIENCE = 45.0  # seconds after the restart: longer than a lease of the relay
LOST, DOUBLED, DISORDERED = "lost after kill -9", "doubled after kill -9", "out of order after kill -9"
ANSWERED = "answered 200 before kill -9"


def loss(scene: Scene, subjects: Sequence[Subject]) -> Iterator[Value]:
    """Each subject once, and once more for every five rounds: the answer is yes or no."""
    for number in range(1, 1 + max(1, scene.rounds // 5)):
        for subject in subjects:
            print(f"loss {number}: {subject.name}", flush=True)
            yield from _killed(scene, subject)


def _killed(scene: Scene, subject: Subject) -> Iterator[Value]:
    with subject.place(scene.slack, scene.postgres) as (folder, url):
        run = subject.launch(folder, scene.slack, scene.postgres, url)
        with running(run.families):
            wait_until(lambda: run.answers(subject.ready), START_WAIT, f"{subject.name} did not start")
            open_threads(run, scene.slack, CONVERSATIONS)
            groups = [one.pid for one in run.families]
            load = Load(
                run, first=OPENING, count=BURST, groups=CONVERSATIONS, connections=len(CONVERSATIONS),
                kill_at=KILL_AT, kill=groups,
            )  # fmt: skip
            rows = load.rows()
        again = subject.launch(folder, scene.slack, scene.postgres, url)
        with running(again.families):
            wait_until(lambda: again.answers(subject.ready), START_WAIT, f"{subject.name} did not start again")
            _settle(scene, rows)
    posts = scene.slack.posts()
    accepted = {(row.group, row.number) for row in rows if row.status == 200}
    lost, doubled, disordered = compared(accepted, posts)
    yield Value(ANSWERED, subject.name, len(accepted), "messages")
    yield Value(LOST, subject.name, lost, "messages")
    yield Value(DOUBLED, subject.name, doubled, "messages")
    yield Value(DISORDERED, subject.name, disordered, "times")


def _settle(scene: Scene, rows: Sequence[Row]) -> None:
    """Wait until everything that was answered 200 is posted, and a moment longer, because duplicates come late."""
    wanted = {(row.group, row.number) for row in rows if row.status == 200}
    with suppress(TimeoutError):
        wait_until(lambda: wanted <= _posted(scene.slack.posts()).keys(), PATIENCE, "not all came", every=0.5)
    time.sleep(3.0)


def _posted(posts: Sequence[Post]) -> Counter[tuple[int, int]]:
    # A subject that has forgotten its threads opens new ones: what is posted there counts too.
    return Counter(mark for post in posts for mark in post.marks if mark[1] >= OPENING)


def compared(accepted: set[tuple[int, int]], posts: Sequence[Post]) -> tuple[int, int, int]:
    """How many of the accepted messages were not posted, how many came twice, how often a later one came first."""
    counts = _posted(posts)
    order: dict[int, list[int]] = {}
    for group, number in dict.fromkeys(mark for post in posts for mark in post.marks):
        order.setdefault(group, []).append(number)
    disordered = sum(after < before for numbers in order.values() for before, after in itertools.pairwise(numbers))
    return len(accepted - counts.keys()), sum(count - 1 for count in counts.values()), disordered
