"""What of deliveries is shown in a thread, as values to be drawn: each message with its author, its file, its quote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from relay.delivery import quoting
from relay.delivery.context import DeliveryContext
from relay.delivery.events import believed, subjects
from relay.delivery.notices import spoken_of, to_notice
from relay.delivery.steps import Need
from relay.errors import RelayError
from relay.files import Way
from relay.messages import ChatMessage, Person
from relay.slack.render import Line, Notice
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Waiting
from relay.vocabulary import CALLING, Vendor

NAMES = "names"


class Unrenderable(RelayError):
    """A stored message cannot be shown."""

    def __init__(self, delivery_id: int, cause: str) -> None:
        super().__init__(cause)
        self.delivery_id = delivery_id


def to_lines(
    tx: Tx, context: DeliveryContext, claim: Claim, rows: Sequence[Waiting], *, patient: bool = True
) -> tuple[list[Line], Mapping[str, Person]] | Need:
    """What is to be shown of deliveries, and everybody they mention; without `patient`, it waits for no name."""
    key = claim.conversation.key
    messages = {row.id: _message(context, row, claim) for row in rows}
    quoted = quoting.find_all(tx, claim, messages.values()) if any(one.quotes for one in messages.values()) else {}
    wanted = subjects(messages) | (quoting.authors(quoted, key.account) if quoted else set())
    if any(row.about and row.about.topic in CALLING for row in rows):
        wanted |= spoken_of(claim)
    known = context.known(tx, claim.conversation, wanted)
    if patient and known.missing and NAMES not in claim.asked:
        return Need(NAMES, partial(context.look_up_names, key.account, known.missing))
    if patient and quoted and (links := quoting.need_links(context, claim, quoted)):
        return links
    rule = claim.conversation.rule
    lines = [
        _line(
            row,
            *_with_its_file(context, rule, row, believed(messages[row.id], known.people)),
            known.people,
            to_notice(context, claim, row, row.about, known.people) if row.about else None,
        )
        for row in rows
    ]
    if quoted:
        lines = [
            replace(
                line, quote=quoting.quote(context, quoted.get(line.message.quotes), claim.conversation, known.people)
            )
            for line in lines
        ]
    return lines, known.people


def _message(context: DeliveryContext, row: Waiting, claim: Claim) -> ChatMessage:
    if row.lost is not None or row.about is not None or row.is_withdrawn:
        return ChatMessage(claim.conversation.key, key="", sender="", sent_at=0.0, text="")
    message = context.read(row.body, claim.conversation)
    if isinstance(message, str):
        raise Unrenderable(row.id, message)
    return message


def _with_its_file(context: DeliveryContext, rule: str, row: Waiting, message: ChatMessage) -> tuple[ChatMessage, Way]:
    """The message, and how its file is shown; without the file if it must not be mentioned."""
    if message.attachment is None:
        return message, Way.LINE
    file, way = context.files.to_show(rule, message.attachment, row.form)
    return replace(message, attachment=file), way


def _line(row: Waiting, message: ChatMessage, file: Way, people: Mapping[str, Person], notice: Notice | None) -> Line:
    author = people.get(message.sender, Person(message.sender, message.sender or Vendor.KOMMUNICATE))
    return Line(
        row.id, message, author, row.form, row.alone, row.parts_done, row.lost, notice, row.is_withdrawn, file=file
    )
