"""Every control and every button, pressed by two people, whatever the chat or the reply has become since it was drawn:
each press is followed by something that whoever pressed can see.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from relay.delivery.erasing import erase
from relay.delivery.tracing import trace
from relay.sandbox.slack.interactions import _payload, click, use_shortcut
from relay.slack.card import ASSIGN, LABELS
from relay.slack.thread_notices import BUTTONS, MOVE_TO, TAKE_ANYWAY
from tests.harness import timeline
from tests.replies.desk import GROUP, Desk
from tests.replies.test_changes import edit, sent
from tests.store.shelf import rows

SEND = "/rest/ws/message/v2/send"
ANSWER = {"KM_ANSWER_SOURCE": "faq"}


def press(desk: Desk, ts: str, action: str, user: str, *, value: str = "", thread_ts: str | None = None) -> None:
    """A person presses what is on their screen, whether the message still has it or not; and what comes of that."""
    slack = desk.sandbox.slack
    chosen = {"selected_user": "U0KIM"} if action == ASSIGN else {"value": value}
    control = {"type": "button", "action_id": action, "block_id": "seen", "action_ts": slack.next_ts(), **chosen}
    container = {"type": "message", "message_ts": ts, "channel_id": "C0SUPPORT", "is_ephemeral": False}
    message = {"ts": ts, **({"thread_ts": thread_ts} if thread_ts else {})}
    where = {"container": container, "channel": {"id": "C0SUPPORT", "name": "support"}, "message": message}
    slack.sender.send_interaction(_payload(slack, "block_actions", user) | where | {"actions": [control]})
    settle(desk)


def settle(desk: Desk) -> None:
    """What comes of it within about a minute."""
    desk.carry()
    desk.run(35)
    desk.chores()


def seen(desk: Desk) -> str:
    """Everything that anybody sees."""
    slack = desk.sandbox.slack
    return json.dumps([timeline(desk.server), slack.ephemerals, slack.views, desk.marks()], default=str)


def move(desk: Desk) -> None:
    desk.use("move")
    desk.carry()
    desk.run(5)
    click(desk.sandbox.slack, "C0SUPPORT", desk.asked()[-1]["ts"], MOVE_TO, value="C0OPS")
    desk.carry()


def use(desk: Desk, *actions: str, user: str = "U0ALEX") -> None:
    for action in actions:
        desk.use(action, user)
        desk.carry()
        desk.run(5)


def bot_answers(desk: Desk) -> None:
    desk.sandbox.kommunicate.staff_writes(GROUP, "Try glue.", metadata=ANSWER)
    desk.carry()


def forget(desk: Desk) -> None:
    jane = f"customer-{GROUP}"
    erase(desk.store, jane, trace(desk.store, jane), in_slack=False)


CHATS: dict[str, Callable[[Desk], None]] = {
    "nobody has it": lambda desk: None,
    "Alex has it": lambda desk: use(desk, "take_over"),
    "Kim has it": lambda desk: use(desk, "take_over", user="U0KIM"),
    "a bot has it": bot_answers,
    "it is muted": lambda desk: use(desk, "mute"),
    "it is resolved": lambda desk: use(desk, "take_over", "resolve"),
    "it is reopened": lambda desk: use(desk, "resolve", "reopen"),
    "it has gone elsewhere": move,
    "it was erased": forget,
}


@pytest.mark.parametrize("action", LABELS)
@pytest.mark.parametrize("chat", CHATS)
def test_a_card_that_was_not_drawn_again_answers_every_press(
    make_desk: Callable[..., Desk], chat: str, action: str
) -> None:
    desk = make_desk(channels={"99": "C0OPS"}, default_channel="C0SUPPORT")
    desk.customer("m1 hello")
    card = desk.thread
    CHATS[chat](desk)
    desk.run(120)
    for user in ("U0ALEX", "U0SAM"):
        before = seen(desk)
        press(desk, card, action, user)
        assert seen(desk) != before


def failed(desk: Desk) -> str:
    desk.fault("error", SEND, code="INVALID_PARAMETER")
    return written(desk, "at 5 pm")


def unanswered(desk: Desk) -> str:
    desk.sandbox.kommunicate.echo = "off"
    desk.fault("reset_before", SEND)
    return written(desk, "at 5 pm")


def written(desk: Desk, text: str, seconds: float = 60.0) -> str:
    ts = desk.agent(text).ts
    desk.carry()
    desk.run(seconds)
    return ts


def delayed(desk: Desk) -> str:
    desk.fault("error", SEND, code="BUSY", times=None)
    return written(desk, "at 5 pm")


def deleted(desk: Desk, ts: str) -> str:
    desk.sandbox.slack.human_deletes("C0SUPPORT", ts)
    desk.carry()
    return ts


def edited(desk: Desk, ts: str, *texts: str) -> str:
    edit(desk, ts, *texts)
    return ts


REPLIES: dict[str, Callable[[Desk], str]] = {
    "sent": lambda desk: sent(desk, "at 5 pm"),
    "failed": failed,
    "unanswered": unanswered,
    "delayed": delayed,
    "still to be undone": lambda desk: written(desk, "at 5 pm", 1.0),
    "a note": lambda desk: written(desk, "note: at 5 pm"),
    "asked about": lambda desk: written(desk, "(note) at 5 pm"),
    "kept, because nobody answered": lambda desk: written(desk, "(note) at 5 pm", 700.0),
    "deleted in time": lambda desk: deleted(desk, written(desk, "at 5 pm", 1.0)),
    "edited late": lambda desk: edited(desk, sent(desk, "at 5 pm"), "at 6 pm"),
    "edited back": lambda desk: edited(desk, sent(desk, "at 5 pm"), "at 6 pm", "at 5 pm"),
    "made a note late": lambda desk: edited(desk, sent(desk, "at 5 pm"), "note: at 5 pm"),
    "deleted late": lambda desk: deleted(desk, sent(desk, "at 5 pm")),
    "failed, and made a note": lambda desk: edited(desk, failed(desk), "note: at 5 pm"),
    "unanswered, and made a note": lambda desk: edited(desk, unanswered(desk), "note: at 5 pm"),
    "unanswered, and deleted": lambda desk: deleted(desk, unanswered(desk)),
}


@pytest.mark.parametrize("action", [each for each in BUTTONS if each not in (MOVE_TO, TAKE_ANYWAY)])
@pytest.mark.parametrize("reply", REPLIES)
def test_a_line_that_was_not_drawn_again_answers_every_press(desk: Desk, reply: str, action: str) -> None:
    REPLIES[reply](desk)
    ended = rows(desk.store, "deliveries", lane="replies")[0]
    for user in ("U0ALEX", "U0SAM"):
        before = seen(desk)
        press(desk, desk.thread, action, user, value=str(ended.id))
        assert seen(desk) != before


@pytest.mark.parametrize("reply", REPLIES)
def test_the_shortcut_answers_wherever_it_is_used(desk: Desk, reply: str) -> None:
    ts = REPLIES[reply](desk)
    if "deleted" in reply:
        return
    for user in ("U0ALEX", "U0SAM"):
        before = seen(desk)
        use_shortcut(desk.sandbox.slack, "C0SUPPORT", ts, "send_to_customer", user=user)
        settle(desk)
        assert seen(desk) != before
