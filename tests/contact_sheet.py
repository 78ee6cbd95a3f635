"""One picture of every kind of message, as the demo's page shows it: `python -m tests.contact_sheet` writes it anew.

The messages go the whole way, from the webhook to a thread in the sandbox's Slack.
"""

from __future__ import annotations

import json
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from relay.sandbox import Sandbox, SandboxServer
from relay.sandbox.kommunicate.values import AGENT, BOT, CUSTOMER, Person
from relay.store.db.engine import open_store
from relay.store.db.schema import migrate
from tests.browser import open_page
from tests.harness import ROOT, FakeClock
from tests.replies.desk import Desk

PICTURE = ROOT / "docs" / "messages.png"
WIDTH, HEIGHT = 1400, 1700  # pixels of the page: the thread is seen whole
JANE, HELPER = Person("jane", "Jane Doe", CUSTOMER), Person("helper", "Helper", BOT)
ALEX = Person("alex@sandbox.test", "Alex Rivera", AGENT)
WITHDRAWN = {"AL_DELETE_GROUP_MESSAGE_FOR_ALL": "true"}


def rich(template: int, payload: Any, **more: Any) -> dict[str, Any]:
    """The metadata of one of Kommunicate's rich messages."""
    return {"contentType": "300", "templateId": str(template), "payload": json.dumps(payload), **more}


LIST = {
    "headerText": "Paying &amp; refunds",
    "elements": [
        {"title": "By card", "description": "<p>Within <b>3 days</b>.</p>"},
        {"title": "By transfer", "description": "Within a week."},
    ],
}
CARDS = [
    {"title": "Lamp", "subtitle": "In <i>stock</i>", "description": "Warm light", "url": "https://shop.example/lamp"},
    {"title": "Desk", "subtitle": "Two weeks", "description": "Oak"},
]
# What comes from whom; the second one is withdrawn in the end.
MESSAGES: list[tuple[str, dict[str, Any]]] = [
    ("jane", {"message": "Hello,\n\nmy order <4471> from <shop@example.com> is late: a < b, I <3 you.\n\nJane",
              "contentType": 3}),
    ("jane", {"message": "My password is hunter2, can you look?"}),
    ("jane", {"message": "<p>Dear team,</p><ul><li>one <b>mug</b></li><li>two plates</li></ul>"
                         "<table><tr><td>Mug</td><td>5 €</td></tr><tr><td>Plate</td><td>7 €</td></tr></table>"
                         '<p>See <a href="https://shop.example/orders/4471">my order</a>.</p>'}),
    ("helper", {"message": "", "metadata": rich(7, LIST)}),
    ("helper", {"message": "", "metadata": rich(10, CARDS[:1])}),
    ("helper", {"message": "", "metadata": rich(10, CARDS)}),
    ("helper", {"message": "", "metadata": rich(6, [{"title": "Yes"}, {"title": "No"}], buttonLabel="Did it help?")}),
    ("jane", {"message": "details sent", "metadata": {
        "KM_CHAT_CONTEXT": json.dumps({"formData": {"Order": "4471", "City": "Köln", "Password": "x"}})}}),
    ("jane", {"message": json.dumps({"lat": 50.94, "lon": 6.96, "name": "My shop"})}),
    ("helper", {"message": "**Opening hours**\n\n- Monday to *Friday*\n- `9` to `17`\n\n"
                           "Read [more](https://shop.example/hours)."}),
    ("jane", {"message": "Until 18 on Thursdays?", "metadata": {"AL_REPLY": "5-sheet-9"}}),
    ("helper", {"message": "I do not know that.", "metadata": {"KM_ASSIGN_TO": "alex@sandbox.test"}}),
]  # fmt: skip


def draw(picture: Path) -> None:
    """Send everything, and write the picture."""
    clock = FakeClock(time.time())
    with (
        tempfile.TemporaryDirectory() as folder,
        SandboxServer(Sandbox(clock.now, pace=0)) as server,
        closing(open_store(f"sqlite:///{folder}/relay.db", clock)) as store,
    ):
        migrate(store)
        desk = Desk(store, server, clock, replies={"undo_seconds": 0})
        people, users = desk.sandbox.kommunicate.people, desk.sandbox.slack.users
        users["U0ALEX"] = replace(users["U0ALEX"], email=ALEX.user_id)
        people |= {one.user_id: one for one in (JANE, HELPER, ALEX)}
        for number, (sender, fields) in enumerate(MESSAGES):
            written = int(clock.now() * 1000) + number
            desk.webhook(sender, key=f"5-sheet-{number}", groupName=JANE.name, timeStamp=written, **fields)
        desk.webhook(JANE.user_id, key="5-sheet-1", message="My password is hunter2", metadata=WITHDRAWN)
        with open_page(server.url, width=WIDTH, height=HEIGHT) as page:
            page.get_by_text("This chat is for").wait_for()
            page.get_by_test_id("slack-thread").first.screenshot(path=picture)


if __name__ == "__main__":
    draw(PICTURE)
