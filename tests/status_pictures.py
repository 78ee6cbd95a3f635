"""The pictures of the status page in `docs/`: `python -m tests.status_pictures` takes them anew.

A day of a shop's support in a store of its own, with a few things gone wrong, before the real page in a real browser.
"""

from __future__ import annotations

import json
import math
import random
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from playwright.sync_api import Page
from sqlalchemy import insert

from relay.messages import Person, Role
from relay.store.conversations.people import remember_people
from relay.store.db.engine import Store, Tx, open_store
from relay.store.db.schema import migrate
from relay.store.db.tables import conversations, deliveries, received, send_parts, sends
from relay.store.operations.minutes import roll_up
from relay.store.operations.totals import count_settled
from relay.store.queue.closing import close_for_operator, close_for_rate_limit
from relay.store.queue.gates import Pace
from relay.vocabulary import GateScope, Vendor
from relay.web import create_app
from relay.web.server import open_server
from relay.wiring import Relay
from tests.browser import open_page
from tests.harness import ROOT, body, settings

PASSWORD = "for the pictures alone"
DAY, HOUR = 86400.0, 3600.0
MESSAGES, CHATS = 1800, 240
CHANNELS = ("C0SUPPORT", "C0ORDERS", "C0VIP")
NAMES = ("Jane Doe", "Tom Becker", "Amélie Laurent", "Kofi Mensah", "Yuki Tanaka", "Sofia Rossi", "Ali Rahman",
         "Eva Nowak", "Lars Olsen", "Maria Silva", "Noah Weber", "Priya Nair")  # fmt: skip
SAID = ("My order has not arrived yet.", "Can I change the delivery address?", "The lamp came broken, what now?",
        "Do you ship to Norway?", "I was charged twice for order 4471.", "Thanks, that works!",
        "The discount code does not work.", "How do I return the chair?", "Is the oak desk in stock again?",
        "Still waiting for the refund.", "Where do I find my invoice?")  # fmt: skip


def a_day(store: Store, now: float) -> None:
    """Store it, more of it by day than by night."""
    chance = random.Random(7)
    with store.begin() as tx:
        remember_people(tx, "default", [Person(f"u{n}", NAMES[n % len(NAMES)], Role.CUSTOMER) for n in range(CHATS)])
        tx.conn.execute(insert(conversations), [_chat(number, now) for number in range(CHATS)])
        for number, at in enumerate(sorted(_moments(chance, now)), start=1):
            _message(tx, number, at, chance, now)
        close_for_operator(
            tx, GateScope.CHANNEL, "C0VIP", cause="Slack answered chat.postMessage with not_in_channel: invite the bot "
            "with /invite", code="not_in_channel"
        )  # fmt: skip
        close_for_rate_limit(
            tx, GateScope.CHANNEL, "C0ORDERS", 12.0, vendor=Vendor.SLACK, pace=Pace(), code="ratelimited"
        )
    for more in (count_settled, roll_up):
        with store.begin() as tx:
            more(tx)


def _moments(chance: random.Random, now: float) -> list[float]:
    found: list[float] = []
    while len(found) < MESSAGES:
        at = now - chance.random() * DAY
        busy = 0.12 + 0.88 * max(0.0, math.sin((at - now + 7 * HOUR) / DAY * 2 * math.pi)) ** 1.5
        if chance.random() < busy:
            found.append(at)
    return found


def _chat(number: int, now: float) -> dict[str, Any]:
    channel = CHANNELS[0] if number % 5 else CHANNELS[1 + number % 2]
    waits = now - 200 - 37 * number if number % 9 == 4 else None
    return {"id": number + 1, "account": "default", "group_id": str(104_000 + number), "channel": channel,
            "channel_id": channel, "rule": "channels", "why": f"`channels` lists {104_000 + number}.",
            "thread_ts": f"17{number:08d}.000100", "opener_sender": f"u{number}", "opener_rank": 2,
            "waits_since": waits, "holder_name": ("", "Alex Rivera", "Sam Kim")[number % 3], "created_at": now - DAY,
            "status": "resolved" if number % 4 == 3 and waits is None else "open"}  # fmt: skip


def _message(tx: Tx, number: int, at: float, chance: random.Random, now: float) -> None:
    chat = chance.randrange(CHATS) + 1
    channel, last = _chat(chat - 1, now)["channel"], number > MESSAGES - 6
    dead, waits = number in (MESSAGES - 60, MESSAGES - 25), last and channel == "C0VIP"
    raw = json.dumps(body(f"k{number}", 104_000 + chat - 1, chance.choice(SAID), **{"from": f"u{chat - 1}"})).encode()
    took = min(20.0, 0.04 + chance.expovariate(4.0) ** 2)
    why = "Slack answered chat.postMessage with invalid_blocks: must be a valid url" if dead else ""
    state = "dead" if dead else "waiting" if waits else "delivered"
    tx.conn.execute(insert(received).values(
        id=number, source="kommunicate", account="default", kind="message", key=f"k{number}", conversation_id=chat,
        outcome="accepted", body=raw, received_at=at))  # fmt: skip
    tx.conn.execute(insert(deliveries).values(
        id=number, conversation_id=chat, lane="words", received_id=number, state=state, created_at=at,
        cause=why,
        settled_at=None if waits else min(now, at + took)))  # fmt: skip
    if not waits:
        tx.conn.execute(insert(sends).values(
            id=f"s{number}", conversation_id=chat, lane="words", seq=number, kind="post", payload="{}", channel=channel,
            thread_ts=f"17{chat - 1:08d}.000100", state="refused" if dead else "delivered", started_at=at + 0.02,
            ts=None if dead else f"18{number:08d}.000200", created_at=at + 0.02,
            cause=why))  # fmt: skip
        tx.conn.execute(insert(send_parts).values(send_id=f"s{number}", delivery_id=number, part=0, live=True))


def served(store: Store) -> Any:
    """The page on a port of its own, in the background."""
    config = {"channels": {str(104_000 + n): CHANNELS[0] for n in range(3)}, "default_channel": "C0SUPPORT",
              "routes": [{"name": "vip", "when": {"metadata.plan": "gold"}, "channel": "C0VIP"}]}  # fmt: skip
    server = open_server(create_app(Relay(replace(settings(**config), admin_password=PASSWORD), store)), "127.0.0.1", 0)
    threading.Thread(target=server.run, daemon=True).start()
    return server


def sign_in(page: Page) -> None:
    """As a person does."""
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_selector(".verdict")


def take(url: str, folder: Path) -> None:
    """The overview on a desk, and the conversations on a phone in the dark; every other page for whoever looks."""
    with open_page(url, width=1180, height=760) as page:
        sign_in(page)
        page.screenshot(path=folder / "status.png", full_page=True)
        for name in ("conversations", "conversations/1", "dead-letters", "channels", "try", "settings"):
            page.goto(f"{url}/{name}")
            if name == "try":
                page.get_by_role("button", name="Try it").click()
            page.screenshot(path=folder / f"look-{name.replace('/', '-')}.png", full_page=True)
        page.emulate_media(color_scheme="dark")
        page.goto(url)
        page.screenshot(path=folder / "look-dark.png", full_page=True)
    with open_page(url, width=390, height=844) as page:
        page.screenshot(path=folder / "look-phone-login.png")
        sign_in(page)
        page.screenshot(path=folder / "look-phone.png", full_page=True)
        page.emulate_media(color_scheme="dark")
        page.goto(url)
        page.screenshot(path=folder / "status-phone.png")
        for name in ("conversations", "conversations/1", "dead-letters", "channels", "settings"):
            page.goto(f"{url}/{name}")
            page.screenshot(path=folder / f"look-phone-{name.replace('/', '-')}.png")


def main() -> None:
    """Take them into a folder of their own, and the two that are shown into `docs/`."""
    looks = Path(tempfile.gettempdir()) / "status-pictures"
    looks.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, closing(open_store(f"sqlite:///{folder}/relay.db")) as store:
        migrate(store)
        a_day(store, time.time() - 2.0)
        server = served(store)
        take(f"http://127.0.0.1:{server.effective_port}", looks)
        server.close()
    for name in ("status.png", "status-phone.png"):
        (ROOT / "docs" / name).write_bytes((looks / name).read_bytes())
    print(f"The others are in {looks}.")  # noqa: T201


if __name__ == "__main__":
    main()
