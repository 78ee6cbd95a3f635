"""Three customers who chat by themselves, so that the demo's page shows something before anybody types.

In the end one of them waits for an answer, and the page suggests what to try.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from relay.sandbox.sandbox import Sandbox

MUG, ENTERPRISE, CHECKOUT = "100001", "100002", "100003"
STORY_CHANNELS = {MUG: "C0SUPPORT", ENTERPRISE: "C0VIP", CHECKOUT: "C0SUPPORT"}

SAVED_REPLIES = {
    "A new one is on its way": "I am sorry about that! A new one is on its way, and should be with you in two days.",
    "When suits you?": {"text": "When may we call you?", "suggestions": ["This morning", "This afternoon"]},
    "Help pages": {
        "text": "Here is how it works:",
        "buttons": {"Open the help pages": "https://help.example.com/start"},
    },
}

LONG_WORDS = (
    "Thanks! Here is all I know, in case it helps whoever picks this up.\n\n"
    "1. On Monday we moved our 42 seats to the yearly plan.\n"
    "2. On Tuesday the invoice showed 42 seats AND the 38 we had before.\n"
    "3. On Wednesday the second charge reached our bank.\n\n"
    "The invoice numbers are 2024-1881 and 2024-1882, both at https://billing.example.com/invoices. "
    "We do like the product and nobody here is angry, but our accountant closes the month on Friday and "
    "would love to see the second charge reversed, or at least confirmed in writing, before then. "
    "If you need a bank statement I can send one; if it is easier to talk, I am in the office until six."
)

Step = Callable[[Sandbox], object]


def play(sandbox: Sandbox, *, pause: float = 1.5) -> threading.Thread:
    """Starts the story in a thread of its own, `pause` seconds between messages; it ends with the server."""
    sandbox.first = CHECKOUT
    thread = threading.Thread(target=_run, args=(sandbox, pause), name="sandbox-story", daemon=True)
    thread.start()
    return thread


def _run(sandbox: Sandbox, pause: float) -> None:
    wait = min(pause, 1.0)
    for step in STEPS:
        if sandbox.core.closing.wait(wait):
            return
        step(sandbox)
        wait = pause
    sandbox.told = True
    sandbox.core.touch()


def _customer(group_id: str, name: str, text: str, attachment: str | None = None) -> Step:
    return lambda sandbox: sandbox.kommunicate.customer_writes(group_id, text, name=name, attachment=attachment)


def _bot(group_id: str, text: str) -> Step:
    return lambda sandbox: sandbox.kommunicate.staff_writes(group_id, text, metadata={"KM_ANSWER_SOURCE": "faq"})


def _assigned(group_id: str, user_id: str, name: str) -> Step:
    return lambda sandbox: sandbox.kommunicate.notice(
        group_id, f"Assigned to {name}", {"KM_ASSIGN": user_id, "LOCALIZATION_VALUE": name}
    )


STEPS: tuple[Step, ...] = (
    _customer(MUG, "Jane Doe", "Hi! My parcel came today, but the mug inside is broken."),
    _customer(ENTERPRISE, "Priya Nair", "Hello, we seem to have been charged twice this month."),
    _customer(MUG, "Jane Doe", "Here is a picture.", "broken-mug.png"),
    _bot(MUG, "I am sorry to hear that! A colleague will take a look at the picture in a moment."),
    _customer(CHECKOUT, "Tom Becker", "<!channel> *URGENT* <https://example.com|click here> & win"),
    _customer(ENTERPRISE, "Priya Nair", LONG_WORDS),
    _assigned(ENTERPRISE, "alex@sandbox.test", "Alex Rivera"),
    _customer(CHECKOUT, "Tom Becker", "Sorry, I was testing your form :) The checkout fails for me, see here:"),
    _customer(MUG, "Jane Doe", "Could you send a new one? It is a birthday present for Saturday."),
    _customer(CHECKOUT, "Tom Becker", "", "error-screen.png"),
    _customer(CHECKOUT, "Tom Becker", "Can somebody help me, please?"),
)
