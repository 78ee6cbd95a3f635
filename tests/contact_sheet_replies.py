"""What agents see of their own messages, for docs/agents.md: `python -m tests.contact_sheet_replies` draws it anew.

Every mark and every line with a button; then a question that its author alone sees. Needs a font with coloured emoji.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import closing
from typing import Any

from relay.sandbox import Sandbox, SandboxServer
from relay.store.db.engine import open_store
from relay.store.db.schema import migrate
from tests.browser import open_page
from tests.harness import ROOT, FakeClock
from tests.replies.desk import Desk

SEND = "/rest/ws/message/v2/send"
DOCS = ROOT / "docs"
WIDTH, HEIGHT = 1280, 1500


def answer(desk: Desk, text: str, **fault: Any) -> None:
    """An agent answers; with a fault, Kommunicate does not take it as it should."""
    if fault:
        desk.sandbox.faults.add(SEND, **fault)
    desk.says(text)
    desk.run(40)
    desk.sandbox.faults.clear()


def every_mark(desk: Desk) -> None:
    """One reply for each thing that can become of it."""
    answer(desk, "It left our warehouse this morning.")
    answer(desk, "note: she has waited long enough, no charge for postage")
    answer(desk, "Here is your tracking number.", kind="error", code="INVALID_PARAMETER")
    desk.sandbox.kommunicate.echo = "off"
    answer(desk, "It should be with you on Friday.", kind="reset_after")
    desk.sandbox.kommunicate.echo = "after"
    lost = desk.sandbox.slack.cabinet.put("label.pdf", kind="tombstone")
    desk.agent("This is the label.", files=(lost,))
    desk.carry()
    desk.run(70)
    edited, deleted = desk.agent("We open at nine."), desk.agent("We also open on Sunday.")
    desk.carry()
    desk.run(20)
    desk.sandbox.slack.human_edits("C0SUPPORT", edited.ts, "We open at ten.")
    desk.sandbox.slack.human_deletes("C0SUPPORT", deleted.ts)
    desk.carry()
    desk.run(10)
    desk.sandbox.faults.add(SEND, "error", times=None, code="BUSY")
    desk.says("Is there anything else?")
    desk.run(40)


def question(desk: Desk) -> None:
    """A message that only looks like a note."""
    answer(desk, "It is on its way, Jane.")
    desk.says("(note) she is one of our oldest customers")
    desk.run(2)


SHEETS = {"marks.png": every_mark, "asked.png": question}


def draw(name: str, send: Any) -> None:
    """Send everything, and write the picture of the thread."""
    clock = FakeClock(time.time())
    with (
        tempfile.TemporaryDirectory() as folder,
        SandboxServer(Sandbox(clock.now, pace=0)) as server,
        closing(open_store(f"sqlite:///{folder}/relay.db", clock)) as store,
    ):
        migrate(store)
        desk = Desk(store, server, clock, replies={"undo_seconds": 0}, delivery={"call_deadline": 0.4, "lease": 1.5})
        desk.customer("Where is my parcel?")
        send(desk)
        with open_page(server.url, width=WIDTH, height=HEIGHT) as page:
            page.get_by_text("Where is my parcel?").first.wait_for()
            page.wait_for_load_state("networkidle")
            page.get_by_test_id("slack-thread").first.screenshot(path=DOCS / name)


if __name__ == "__main__":
    for name, send in SHEETS.items():
        draw(name, send)
