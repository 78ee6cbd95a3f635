"""Files, as the demo's page shows them: `python -m tests.contact_sheet_files` writes three pictures anew.

The files go the whole way: a customer's from the webhook to the thread, an agent's from the thread to the customer.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from relay.sandbox import Sandbox, SandboxServer
from relay.sandbox.outbox import Outgoing
from relay.sandbox.slack.sharing import settle
from relay.store.db.engine import open_store
from relay.store.db.schema import migrate
from tests.bombs import BOMBS
from tests.browser import open_page
from tests.harness import ROOT, FakeClock, picture
from tests.replies.desk import GROUP, Desk

DOCS = ROOT / "docs"
MB = 1024 * 1024
PDF = b"%PDF-1.7\n" + b"words " * 500
MP4 = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + bytes(40_000)
OGG = b"OggS\x00\x02" + bytes(22) + b"\x01\x1eOpusHead" + bytes(9_000)
WIDTH, TOP = 1280, 44  # pixels of the page; above that stands what has nothing to do with files
HALF_AN_HOUR = 1900.0  # seconds in which a customer's file is tried


class Sheet(Desk):
    """A desk whose mail looks as if it had been sent."""

    changes = {"public_url": "https://relay.example.com"}  # noqa: RUF012

    def carry(self, *items: Outgoing) -> list[int]:
        """Take what waits to the relay's endpoints, and let the page know."""
        sent, self.mail = items or tuple(self.mail), []
        statuses = super().carry(*sent) if sent else []
        for item, status in zip(sent, statuses, strict=True):
            item.statuses.append(status)
            item.done.set()
        return statuses


def from_customer(desk: Desk) -> None:
    """Everything that a customer can send."""
    known, mug = desk.sandbox.kommunicate.files, desk.sandbox.pictures.get("broken-mug.png") or b""
    gone = known.public("old-bill.pdf", PDF)
    sent: list[tuple[str, Any]] = [
        ("A picture that Slack fetches by itself", picture()),
        ("A picture that it cannot fetch", known.told(known.public("mug.png", mug)) | {"thumbnailUrl": None}),
        ("A PDF", known.public("bill.pdf", PDF)),
        ("A private one, behind an address that expires", known.private("passport.pdf", PDF)),
        ("Sound", known.public("voice.ogg", OGG)),
        ("A film", known.public("film.mp4", MP4)),
        ("Too large, as it says itself", known.public("film.mov", b"x", content_type="video/quicktime", size=200 * MB)),
        ("Larger than it says", known.public("large.zip", bytes(26 * MB), size=5)),
        ("A picture that would be huge", known.public("bomb.png", BOMBS["bomb.png"]())),
        ("A page instead of a file", known.public("list.pdf", b"<!doctype html><title>Sign in</title>")),
        ("From a host that is not listed", {"name": "a.png", "url": "https://x.example.com/a.png",
                                            "contentType": "image/png", "size": 900}),
        ("No longer there", known.told(gone)),
    ]  # fmt: skip
    known.delete(gone)
    for text, file in sent:
        desk.sandbox.kommunicate.customer_writes(GROUP, text, name="Jane", file=file)
        desk.carry()
        desk.run(20)
    known.lifetime = -1.0
    desk.sandbox.kommunicate.customer_writes(GROUP, "Expired", name="Jane", file=known.private("id.pdf", PDF))
    desk.carry()
    desk.run(HALF_AN_HOUR + 100)


def from_agent(desk: Desk) -> None:
    """Everything that an agent can share."""
    put, mug = desk.sandbox.slack.cabinet.put, desk.sandbox.pictures.get("lamp.png") or b""
    mug = mug or desk.sandbox.pictures.get("broken-mug.png") or b""
    large = put("large.zip", content=b"x", size=200 * MB)
    shared: list[tuple[str, Any]] = [
        ("A picture", put("mug.png", content=mug)),
        ("A PDF", put("terms.pdf", content=PDF)),
        ("A voice clip", put("audio_message.m4a", content=MP4, kind="voice")),
        ("A film", put("film.mp4", content=MP4, kind="video")),
        ("A snippet", put("log.txt", content=b"one\ntwo\n", kind="snippet")),
        ("From another workspace", put("plan.pdf", content=PDF, kind="connect")),
        ("Kept elsewhere", put("Plan", kind="external", url="https://docs.example.com/plan")),
        ("A canvas", put("Canvas", kind="canvas")),
        ("Too large", large),
        ("Deleted", put("old.pdf", kind="tombstone")),
    ]
    for text, file in shared:
        desk.agent(text, files=(file,))
        desk.carry()
        desk.run(20)


def both_ways(desk: Desk) -> None:
    """A customer's picture and paper, and an agent's paper."""
    bill = desk.sandbox.kommunicate.files.public("bill.pdf", PDF)
    for text, file in (("This is what arrived", picture()), ("And this is the bill", bill)):
        desk.sandbox.kommunicate.customer_writes(GROUP, text, name="Jane", file=file)
        desk.carry()
        desk.run(20)
    desk.agent("These are the terms, Jane.", files=(desk.sandbox.slack.cabinet.put("terms.pdf", content=PDF),))
    desk.carry()
    desk.run(20)


SHEETS = {
    "files.png": (both_ways, 960),
    "files-from-customers.png": (from_customer, 2090),
    "files-from-agents.png": (from_agent, 1900),
}


def draw(target: Path, send: Any, height: int) -> None:
    """Send everything, and write the picture."""
    clock = FakeClock(time.time())
    with (
        tempfile.TemporaryDirectory() as folder,
        SandboxServer(Sandbox(clock.now, pace=0)) as server,
        closing(open_store(f"sqlite:///{folder}/relay.db", clock)) as store,
    ):
        migrate(store)
        desk = Sheet(store, server, clock, replies={"undo_seconds": 0})
        desk.customer("Hello")
        send(desk)
        settle(desk.sandbox.slack)
        with open_page(server.url, width=WIDTH, height=height) as page:
            page.get_by_text("Hello").first.wait_for()
            page.wait_for_load_state("networkidle")
            page.screenshot(path=target, clip={"x": 0, "y": TOP, "width": WIDTH, "height": height - TOP})


if __name__ == "__main__":
    for name, (send, height) in SHEETS.items():
        draw(DOCS / name, send, height)
