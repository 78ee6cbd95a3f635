"""600 messages of 12 conversations at once, for a channel that accepts one post per second: visible after a minute
(P4).

For the relay this is `bench.backlog`, against the sandbox; the counterparts run here, against a Slack with the same
limit.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

from bench.backlog import CHANNEL, CONVERSATIONS, DEADLINE, EACH, PATIENCE, backlog
from bench.speed.loading import Load
from bench.speed.machine import wait_for_calm
from bench.speed.parts.loss import compared
from bench.speed.processes import wait_until
from bench.speed.records import Value
from bench.speed.scene import Scene
from bench.speed.slack import Post, slack_stub
from bench.speed.subjects import GROUPS, RELAY, Subject

ALL = CONVERSATIONS * EACH
VISIBLE = f"visible of {ALL} within {DEADLINE:.0f} s at 1 post/s"
SECONDS = f"until all {ALL} are visible at 1 post/s"
REFUSED, DISORDERED = "posts refused meanwhile", "out of order meanwhile"


def piled_up(scene: Scene, peers: Sequence[Subject]) -> Iterator[Value]:
    """Once for each: it takes a minute."""
    for subject in peers:
        print(f"backlog: {subject.name}", flush=True)
        wait_for_calm(scene.patience)
        yield from _peer(scene, subject)
    for kind in scene.kinds:
        subject = RELAY[kind]
        print(f"backlog: {subject.name}", flush=True)
        wait_for_calm(scene.patience)
        with subject.place(scene.slack, scene.postgres) as (folder, url):
            found = backlog(url, folder)
        yield Value(VISIBLE, subject.name, found.visible, "messages")
        if found.visible == ALL:
            yield Value(SECONDS, subject.name, found.seconds, "s")
        yield Value(REFUSED, subject.name, found.refused, "posts")
        yield Value(DISORDERED, subject.name, 0 if found.once_and_in_order else 1, "times")


def _peer(scene: Scene, subject: Subject) -> Iterator[Value]:
    with slack_stub(scene.folder, pace=1.0) as slack, subject.started(slack, None, SLACK_CHANNEL=CHANNEL) as run:
        begun = time.monotonic()
        groups = GROUPS[:CONVERSATIONS]
        load = Load(run, first=0, count=ALL, connections=len(groups), groups=groups, seconds=DEADLINE, again=PATIENCE)
        with suppress(TimeoutError):
            wait_until(lambda: len(_shown(slack.posts())) >= ALL, DEADLINE, "not all came", every=1.0)
        posts, refused = slack.posts(), slack.figures()["refused"]
        load.stop()
    shown = _shown(posts)
    yield Value(VISIBLE, subject.name, len(shown), "messages")
    if len(shown) == ALL:
        yield Value(SECONDS, subject.name, max(post.at for post in posts) - begun, "s")
    yield Value(REFUSED, subject.name, refused, "posts")
    yield Value(DISORDERED, subject.name, compared(set(), posts)[2], "times")


def _shown(posts: Sequence[Post]) -> set[tuple[int, int]]:
    return {mark for post in posts for mark in post.marks}
