"""A store where each line of the corpus stands wherever something of a customer's may stand, and what is read of it."""

from __future__ import annotations

import html
import json
import re
from typing import Any

from sqlalchemy import insert

from relay.messages import Person, Role
from relay.store.conversations.people import remember_people
from relay.store.db.engine import Store, Tx
from relay.store.db.tables import conversations, deliveries, received, send_parts, sends
from relay.store.intake.webhooks import reject
from relay.store.operations.hiding import remember_rules
from tests.harness import NOON, body, raw
from tests.privacy.corpus import ALL, examples, group_of
from tests.slack.slack_bodies import callback, message

EACH = 12  # lines in a body that is refused
FIRST = 1000  # what was refused has the ids below
KINDS = ("answers", "words", "agent")  # what comes in a chat, in this order: the line is in all of it
UNSEEN = re.compile(r'<span class="unseen"[^>]*>[^<]*</span>')


def fill(store: Store) -> None:
    """A chat for each line: in what its customer and an agent said, in names, in causes; and bodies that were refused.

    The customer of every third chat is known by an id alone, which is the line.
    """
    remember_rules(store, json.dumps([{"name": name} for name in ALL]))
    with store.begin() as tx:
        for lines in batches():
            reject(tx, "default", refused_body(lines), "invalid_body: timeStamp must be a whole number")
        for number, one in enumerate(examples(), start=1):
            _chat(tx, number, one.text)


def batches() -> list[list[str]]:
    """The lines of each body that is refused."""
    lines = [one.text for one in examples()]
    return [lines[start : start + EACH] for start in range(0, len(lines), EACH)]


def refused_body(lines: list[str]) -> bytes:
    """Lines as themselves, under names, as JSON in a text, and under a name that is given twice."""
    named = {group_of(number): line for number, line in enumerate(lines)}
    metadata = {"lines": lines, "named": named, "text": json.dumps({"lines": lines}), lines[0]: "x"}
    whole = json.dumps(body("k1", "g", lines[0], timeStamp="never", metadata=metadata))
    twice = json.dumps(json.dumps(named)[:-1] + f', "{group_of(0)}": 1}}')
    return f'{{"message": {json.dumps(lines[-1])}, "twice": {twice}, {whole[1:]}'.encode()


def sender_of(number: int, line: str) -> str:
    """The id of a chat's customer."""
    plain = " ".join(line.split()) or "x"
    return plain[:200] if number % 3 == 0 else f"customer-{group_of(number)}"


def _chat(tx: Tx, number: int, line: str) -> None:
    sender, group = sender_of(number, line), group_of(number)
    if number % 3:
        remember_people(tx, "default", [Person(sender, line, Role.CUSTOMER)])
    place = {"channel": "C0X", "channel_id": "C0X", "thread_ts": f"17.{number:06d}", "rule": "default_channel"}
    chat = {"id": number, "account": "default", "group_id": group, "title": line, "why": line, "created_at": NOON}
    tx.conn.execute(insert(conversations).values(**chat, **place, opener_sender=sender))
    file = {"name": f"{line}.pdf", "url": "https://files.sandbox.test/a.pdf", "contentType": "application/pdf"}
    form = {"KM_CHAT_CONTEXT": {"formData": {"answer": line}}}
    said = {
        "answers": raw(f"a{group}", group, "sent", **{"from": sender}, file=file, metadata=form),
        "words": raw(f"w{group}", group, line, **{"from": sender}),
        "agent": callback(message(text=line, blocks=...), event_id=f"Ev{number}"),
    }
    for place_of_kind, kind in enumerate(KINDS):
        _came(tx, FIRST + number * len(KINDS) + place_of_kind, number, kind, said[kind], line)


def _came(tx: Tx, received_id: int, chat: int, kind: str, stored: bytes, line: str) -> None:
    of_agent, is_dead = kind == "agent", kind == "agent" or chat % 2 == 1
    came: dict[str, Any] = {"source": "slack" if of_agent else "kommunicate", "kind": "message", "outcome": "accepted"}
    came |= {"id": received_id, "account": "default", "key": f"{kind}-{group_of(chat)}", "body": stored}
    tx.conn.execute(insert(received).values(**came, conversation_id=chat, received_at=NOON))
    task = {"id": received_id, "conversation_id": chat, "received_id": received_id, "cause": line, "created_at": NOON}
    state = "dead" if is_dead else "delivered"
    lane = "replies" if of_agent else "words"
    tx.conn.execute(insert(deliveries).values(**task, lane=lane, state=state, settled_at=NOON))
    send = {"id": f"s{received_id}", "conversation_id": chat, "lane": lane, "seq": received_id, "kind": "post"}
    send |= {"payload": "{}", "channel": "C0X", "state": "refused" if is_dead else "delivered", "cause": line}
    tx.conn.execute(insert(sends).values(**send, created_at=NOON))
    tx.conn.execute(insert(send_parts).values(send_id=send["id"], delivery_id=received_id, part=0, live=not is_dead))


def readable(page: str) -> str:
    """A page as it can be read: attributes too, and without the signs that say that a character does not show."""
    return html.unescape(UNSEEN.sub("", page))


def words_in(page: str) -> list[str]:
    """What was said, in a conversation's page, the newest first."""
    found = re.findall(r'<p class="text"><bdi>(.*?)</bdi></p>', page, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]+>", "", UNSEEN.sub("", one))) for one in found]
