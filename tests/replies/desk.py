"""An agent's desk: a relay with all its endpoints open, a worker in injected time, and both vendors' sandboxes.

What the sandbox sends to the relay is carried by hand, so that a test says what arrives when, and how often.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from relay.delivery.at_once import AtOnce
from relay.sandbox.outbox import Outgoing
from relay.sandbox.slack.board import Message
from relay.sandbox.slack.interactions import click
from relay.web import create_app
from relay.wiring import Relay
from tests.delivery.rig import Rig
from tests.harness import TOKEN, settings, timeline

GROUP = "123456"
SECRET = "sandbox-signing-secret"
EMOJI = {"hourglass_flowing_sand": "pending", "white_check_mark": "sent", "x": "failed", "grey_question": "unsure",
         "lock": "note", "warning": "partly"}  # fmt: skip


class Desk(Rig):
    """One conversation in C0SUPPORT; `carry` takes the vendors' mail to the relay."""

    changes: Mapping[str, Any] = MappingProxyType({})  # to the environment's settings
    numbers = count()  # of webhooks

    def assemble(self, config: dict[str, Any]) -> Relay:
        both = replace(settings(self.server, **config), slack_signing_secrets=(SECRET,), **self.changes)
        relay = Relay(both, self.store, self.clock)
        relay.at_once = AtOnce(both.slack_bot_token or "", both.slack_api_url)
        relay.at_once.do = relay.at_once._call  # type: ignore[method-assign]
        self.client = create_app(relay).test_client()
        self.sandbox.connect("http://relay.test")
        self.sandbox.kommunicate.webhook.token = TOKEN
        self.mail: list[Outgoing] = []
        for sender in (self.sandbox.slack.sender, self.sandbox.kommunicate.webhook):
            sender.outbox.put = self._post  # type: ignore[method-assign]
        return relay

    def rotate(self, secrets: tuple[str, ...]) -> None:
        """Open the endpoints anew, with these signing secrets."""
        changed = replace(self.relay.settings, slack_signing_secrets=secrets)
        self.client = create_app(Relay(changed, self.store, self.clock)).test_client()

    def _post(self, item: Outgoing) -> Outgoing:
        self.mail.append(item)
        return item

    def carry(self, *items: Outgoing) -> list[int]:
        """Take these, or all that waits, to the relay's endpoints; returns the statuses."""
        if not items:
            items, self.mail = tuple(self.mail), []
        return [
            self.client.post(urlsplit(item.url).path, data=item.body, headers=dict(item.headers)).status_code
            for item in items
        ]

    def customer(self, text: str) -> None:
        """A customer writes, and it is shown."""
        self.sandbox.kommunicate.customer_writes(GROUP, text, name="Jane")
        self.carry()
        self.run(3)

    def webhook(self, sender: str, **fields: Any) -> None:
        """A webhook of one's own, with a valid token, and what it leads to."""
        number = next(self.numbers)
        told = {"key": f"5-own-{number}", "from": sender, "groupId": int(GROUP), "timeStamp": 1795690000000 + number}
        token = {"Authentication": self.sandbox.kommunicate.webhook.authentication()}
        body = {**told, "message": "", **fields}
        assert self.client.post("/kommunicate/webhook", json=body, headers=token).status_code == 200
        self.run(5)

    def agent(self, text: str, user: str = "U0ALEX", **more: Any) -> Message:
        """An agent writes in the thread; the event is in the mail."""
        return self.sandbox.slack.human_writes("C0SUPPORT", text, user=user, thread_ts=self.thread, **more)

    def says(self, *texts: str) -> None:
        """An agent writes, and the relay hears of it."""
        for text in texts:
            self.agent(text)
            self.carry()

    @property
    def thread(self) -> str:
        """The conversation's thread."""
        return str(self.roots()[-1]["ts"])

    def reached(self) -> list[str]:
        """What the customer was sent, in order."""
        lines = self.sandbox.kommunicate.conversation(GROUP).lines
        return [line.text for line in lines if line.source == 4]

    def marks(self) -> dict[str, list[str]]:
        """Each agent's message, by its words, with the marks it bears."""
        written = [message for message in self.sandbox.slack.messages if message.bot_id is None]
        return {message.text: [EMOJI[name] for name in message.reactions] for message in written}

    def whispers(self) -> list[tuple[str, str]]:
        """What was shown to one person alone: who, and what."""
        return [(one["user"], one["text"]) for one in self.sandbox.slack.ephemerals]

    def asked(self) -> list[dict[str, Any]]:
        """The questions that somebody alone sees, and that nobody has answered."""
        private = [one for one in self.sandbox.slack.ephemerals if not one.get("gone")]
        return [one for one in private if any(block["type"] in ("actions", "section") for block in one["blocks"])]

    def answer(self, action: str, user: str = "U0ALEX") -> None:
        """Whoever was asked last presses one of the buttons, and the relay hears of it."""
        self.press(self.asked()[-1]["ts"], action, user)
        self.carry()

    def roots_and_replies(self) -> list[dict[str, Any]]:
        """Everything in Slack, in posting order."""
        return timeline(self.server)

    def press(self, ts: str, action: str, user: str = "U0ALEX", value: str | None = None) -> None:
        """A person presses a button or chooses from a menu; the click is in the mail."""
        click(self.sandbox.slack, "C0SUPPORT", ts, action, user=user, value=value)

    def use(self, action: str, user: str = "U0ALEX") -> None:
        """A person uses a control of the card, be it a button or an entry of its menu; the click is in the mail."""
        controls = [one for block in self.roots()[-1]["blocks"] for one in block.get("elements", ())]
        if any(one.get("action_id") == action for one in controls):
            self.press(self.thread, action, user)
        else:
            self.press(self.thread, "menu", user, action)
