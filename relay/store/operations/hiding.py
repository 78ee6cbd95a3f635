"""Which details the running relay hides: for reports by commands that know the database alone, and for what waits.

What was made ready under other rules, and has not set out, is made ready anew.
"""

from __future__ import annotations

from sqlalchemy import and_, exists, or_, select, update

from relay.store.db.dialects import among, upsert
from relay.store.db.engine import Store, Tx
from relay.store.db.file_tables import learned
from relay.store.db.tables import OPEN_SENDS, send_parts, sends
from relay.vocabulary import SendKind, SendState

HIDDEN = "hidden_details"
BY_ROUTE = "hidden_by_route"


def known_rules(tx: Tx) -> str:
    """What was written down last, "" if nothing ever was."""
    return _known(tx, HIDDEN)


def remember_rules(store: Store, rules: str, by_route: str = "") -> None:
    """Write them down where they are not what is known; "" is nothing. `by_route` tells what is hidden where."""
    with store.read() as tx:
        if (known_rules(tx), _known(tx, BY_ROUTE)) == (rules, by_route):
            return
    with store.begin("hiding") as tx:
        if _known(tx, BY_ROUTE) != by_route:
            make_ready_anew(tx)
        for name, value in ((HIDDEN, rules), (BY_ROUTE, by_route)):
            row = upsert(tx, learned).values(name=name, value=value)
            tx.conn.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": value}))


def make_ready_anew(tx: Tx) -> int:
    """What waits to be posted is outdated; returns how much.

    So is what is setting out: where Slack refuses it, it waits again; otherwise it is drawn again. Not a message of
    which several parts are ready and one has set out: where that one ends depends on what was hidden in it.
    """
    order = (sends.c.conversation_id, sends.c.lane, sends.c.seq)  # as the index of what is open has it
    found = select(sends.c.id).where(_WAITS, ~_BEGUN).order_by(*order).with_for_update(skip_locked=True)
    outdated = update(sends).where(sends.c.id.in_(found)).values(outdated=sends.c.outdated + 1)
    return len(tx.conn.execute(outdated.returning(sends.c.id)).all())


_WAITS = and_(
    among(sends.c.state, OPEN_SENDS),  # as the index has it
    among(sends.c.kind, (SendKind.ROOT, SendKind.POST)),
)
_SET_OUT = (SendState.SENDING, SendState.UNSURE)
_PART, _OTHER, _BESIDE = send_parts.alias(), send_parts.alias(), sends.alias()
_BEGUN = exists(
    select(_PART.c.send_id)
    .join(_OTHER, and_(_OTHER.c.delivery_id == _PART.c.delivery_id, _OTHER.c.send_id != _PART.c.send_id))
    .join(_BESIDE, _BESIDE.c.id == _OTHER.c.send_id)
    .where(_PART.c.send_id == sends.c.id, _PART.c.live, _OTHER.c.live)
    .where(or_(among(sends.c.state, _SET_OUT), among(_BESIDE.c.state, (*_SET_OUT, SendState.DELIVERED))))
    .correlate(sends)
)


def _known(tx: Tx, name: str) -> str:
    found: str | None = tx.conn.execute(select(learned.c.value).where(learned.c.name == name)).scalar_one_or_none()
    return found or ""
