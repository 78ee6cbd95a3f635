"""The minute's chores, in short steps that block nobody; decisions are made outside transactions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from relay.delivery import stored
from relay.delivery.adopting import settle_held
from relay.delivery.alerts import post_alerts
from relay.delivery.context import DeliveryContext
from relay.delivery.forgetting import forget_files, forget_old
from relay.delivery.gates import reopen_in_vain, tell_mistake
from relay.delivery.late_clicks import tell_of_late_clicks
from relay.delivery.reminding import give_back_stale, remind_all
from relay.delivery.sweeping import sweep
from relay.messages import ChatMessage, ConversationKey, Decision
from relay.store.conversations.threads import Undecided, move, undecided
from relay.store.conversations.waiting_chats import decide_anew, to_be_called
from relay.store.intake.recording import held_in_vain, ignore_old_changes
from relay.store.operations.hiding import remember_rules
from relay.store.operations.minutes import roll_up
from relay.store.operations.totals import count_settled

BATCH = 200  # rows read at a time
STEP = 20  # conversations moved in one transaction
LATELY = 600.0  # seconds in which another process may have decided by an older file

Choose = Callable[[ChatMessage, float], Decision]

log = structlog.get_logger()


class Housekeeping:
    """Erases old messages, applies the mapping again, settles what waits in vain, and sends alerts and reminders."""

    def __init__(
        self,
        context: DeliveryContext,
        choose: Choose,
        *,
        retention: float,
        file: str = "",
        mistake: Callable[[], str] = lambda: "",
        keep_times: Callable[[], None] = lambda: None,
    ) -> None:
        """`choose` applies the current mapping to the first message and its time; `retention` is in seconds.

        `mistake` says why the edited `file` is invalid; "" if it is valid. `keep_times` stores how long calls took.
        """
        self._context = context
        self._choose = choose
        self._retention = retention
        self._file, self._mistake = file, mistake
        self._keep_times = keep_times
        self._told: str | None = None  # an earlier process may have reported a mistake that is fixed by now
        self._is_new = self._is_edited = True
        self._all_decided = False  # by the present mapping, which does not change its mind

    def use(self, context: DeliveryContext, retention: float) -> None:
        """Switch to another context and retention, in seconds."""
        self._context, self._retention, self._is_edited, self._all_decided = context, retention, True, False

    @property
    def chores(self) -> tuple[Callable[[], None], ...]:
        """One round; each chore runs even if others fail."""
        return (
            self._say_what_is_hidden,  # first: what waits would otherwise go out meanwhile with what is hidden now
            self._reopen,
            self._prune,
            self._decide_again,
            self._settle_held,
            self._count,
            self._keep_times,
            self._remind,
            self._tell_of_late_clicks,
            self._tell,
            self._sweep,  # last: it may wait for a bucket
        )

    def _reopen(self) -> None:
        """The operator who restarts the relay may have fixed the problem."""
        if self._is_new:
            with self._context.store.begin() as tx:
                reopen_in_vain(tx)
            self._is_new = False

    def _prune(self) -> None:
        pruned = forget_old(self._context.store, self._retention)
        if pruned:
            log.info("chores.pruned", count=pruned)
        forget_files(self._context.store, self._retention)

    def _sweep(self) -> None:
        sweep(self._context.store, self._context.keepers)

    def _decide_again(self) -> None:
        """Conversations without a channel, all of them once and new ones again, or whose channel is closed."""
        every, self._all_decided = not self._all_decided, True
        try:
            self._decide_each(every=every)
        except BaseException:
            self._all_decided = False
            raise

    def _decide_each(self, *, every: bool) -> None:
        after = moved = 0
        while True:
            with self._context.store.read() as tx:
                found = undecided(tx, after, BATCH, since=0.0 if every else tx.now - LATELY)
            if not found:
                break
            after = found[-1].id
            moved += self._move([(one, self._decide(one)) for one in found])
        if moved:
            log.info("chores.decided_again", count=moved)

    def _decide(self, one: Undecided) -> Decision:
        """Decide by its first message, while that is stored; a route that follows keeps its chats.

        A later message may have brought them there.
        """
        if channel := self._context.showing.led_by(one.rule):
            return Decision(channel, one.rule, "A route with `follow` brought it here.")
        message = stored.read_as_it_came(one.body, one.account)
        if not isinstance(message, ChatMessage):
            message = ChatMessage(ConversationKey(one.account, one.group_id), "", "", one.created_at, "")
        return self._choose(replace(message, title=one.title), one.created_at)

    def _move(self, decided: Sequence[tuple[Undecided, Decision]]) -> int:
        elsewhere = [(one, to) for one, to in decided if to.channel not in (None, one.channel)]
        moved = 0
        for first in range(0, len(elsewhere), STEP):
            with self._context.store.begin() as tx:
                moved += sum(move(tx, one, to) for one, to in elsewhere[first : first + STEP])
        return moved

    def _settle_held(self) -> None:
        with self._context.store.read() as tx:
            held = held_in_vain(tx, BATCH)
        for one in held:
            with self._context.store.begin() as tx:
                settle_held(tx, self._context, one)
        with self._context.store.begin() as tx:
            ignore_old_changes(tx)

    def _count(self) -> None:
        """Count what is settled, for `/metrics` and the charts; after an upgrade that is much work, in many steps."""
        for count in (count_settled, roll_up):
            more = True
            while more:
                with self._context.store.begin("count") as tx:
                    more = count(tx)

    def _remind(self) -> None:
        if self._is_edited:
            self._is_edited = False
            with self._context.store.read() as tx:
                waiting = to_be_called(tx)
            for some in waiting:
                with self._context.store.begin() as tx:
                    decide_anew(tx, some)
        give_back_stale(self._context)
        remind_all(self._context)

    def _tell_of_late_clicks(self) -> None:
        tell_of_late_clicks(self._context)

    def _say_what_is_hidden(self) -> None:
        privacy = self._context.privacy
        remember_rules(self._context.store, privacy.all_rules(), privacy.rules_by_route())

    def _tell(self) -> None:
        self._tell_mistake()
        post_alerts(self._context)

    def _tell_mistake(self) -> None:
        """Alert people to an invalid edit of the file; another process may have done so already."""
        mistake = self._mistake()
        if mistake == self._told:
            return
        with self._context.store.begin() as tx:
            tell_mistake(tx, self._file, mistake)
        self._told = mistake
