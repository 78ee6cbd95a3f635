"""A store where each line of the corpus stands wherever something of a customer's may stand, and what is read of it."""

from __future__ import annotations

import html
import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert

from relay.messages import Person, Role
from relay.store.conversations.people import remember_people
from relay.store.db.engine import Store
from relay.store.db.tables import conversations, deliveries, received, send_parts, sends
from relay.store.intake.webhooks import reject
from relay.store.operations.hiding import remember_rules
from tests.harness import NOON, body, raw
from tests.privacy.corpus import ALL, examples, group_of
from tests.slack.slack_bodies import callback, message

EACH = 12  # lines in a body that is refused
FIRST = 1000  # what was refused has the ids below
TABLES = (conversations, received, deliveries, sends, send_parts)
KINDS = ("answers", "words", "agent")  # what comes in a chat, in this order: the line is in all of it
UNSEEN = re.compile(r'<span class="unseen"[^>]*>[^<]*</span>')


def fill(store: Store) -> None:
    """A chat for each line: in what its customer and an agent said, in names, in causes; and bodies that were refused.

    The customer of every third chat is known by an id alone, which is the line.
    """
    remember_rules(store, json.dumps([{"name": name} for name in ALL]))
    chats = [_chat(number, one.text) for number, one in enumerate(examples(), start=1)]
    with store.begin() as tx:
        for lines in batches():
            reject(tx, "default", refused_body(lines), "invalid_body: timeStamp must be a whole number")
    with store.begin() as tx:
        remember_people(tx, "default", [person for chat in chats for person in chat.people])
        for table in TABLES:
            tx.conn.execute(insert(table), [row for chat in chats for row in chat.rows[table.name]])


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


@dataclass
class _Chat:
    """What is stored of one."""

    people: list[Person] = field(default_factory=list)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))


def _chat(number: int, line: str) -> _Chat:
    chat, sender, group = _Chat(), sender_of(number, line), group_of(number)
    if number % 3:
        chat.people.append(Person(sender, line, Role.CUSTOMER))
    place = {"channel": "C0X", "channel_id": "C0X", "thread_ts": f"17.{number:06d}", "rule": "default_channel"}
    known = {"id": number, "account": "default", "group_id": group, "title": line, "why": line, "created_at": NOON}
    chat.rows["conversations"].append({**known, **place, "opener_sender": sender})
    name = "a" if "/" in line else line  # a name ends where a path would go on
    file = {"name": f"{name}.pdf", "url": "https://files.sandbox.test/a.pdf", "contentType": "application/pdf"}
    form = {"KM_CHAT_CONTEXT": {"formData": {"answer": line}}}
    said = {
        "answers": raw(f"a{group}", group, "sent", **{"from": sender}, file=file, metadata=form),
        "words": raw(f"w{group}", group, line, **{"from": sender}),
        "agent": callback(message(text=line, blocks=...), event_id=f"Ev{number}"),
    }
    for place_of_kind, kind in enumerate(KINDS):
        _came(chat, FIRST + number * len(KINDS) + place_of_kind, number, kind, said[kind], line)
    return chat


def _came(chat: _Chat, received_id: int, number: int, kind: str, stored: bytes, line: str) -> None:
    of_agent, is_dead = kind == "agent", kind == "agent" or number % 2 == 1
    came = {"source": "slack" if of_agent else "kommunicate", "kind": "message", "outcome": "accepted", "body": stored}
    came |= {"id": received_id, "account": "default", "key": f"{kind}-{group_of(number)}", "received_at": NOON}
    chat.rows["received"].append({**came, "conversation_id": number})
    task = {"id": received_id, "conversation_id": number, "lane": "replies" if of_agent else "words", "cause": line}
    task |= {"received_id": received_id, "state": "dead" if is_dead else "delivered"}
    chat.rows["deliveries"].append({**task, "created_at": NOON, "settled_at": NOON})
    send = {"id": f"s{received_id}", "conversation_id": number, "lane": task["lane"], "seq": received_id, "cause": line}
    send |= {"kind": "post", "state": "refused" if is_dead else "delivered", "payload": "{}", "channel": "C0X"}
    chat.rows["sends"].append({**send, "created_at": NOON})
    part = {"send_id": send["id"], "delivery_id": received_id, "part": 0, "live": not is_dead}
    chat.rows["send_parts"].append(part)


def readable(page: str) -> str:
    """A page as it can be read: attributes too, and without the signs that say that a character does not show."""
    return html.unescape(UNSEEN.sub("", page))


def words_in(page: str) -> list[str]:
    """What was said, in a conversation's page, the newest first."""
    found = re.findall(r'<p class="text"><bdi>(.*?)</bdi></p>', page, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]+>", "", UNSEEN.sub("", one))) for one in found]
