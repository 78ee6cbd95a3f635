"""What somebody pressed and is not done after a while: whoever pressed it is told privately, once.

It waits for Kommunicate, or for a reply before it that does. Without a word, people press again, or give up.
"""

from __future__ import annotations

from relay.delivery import stored
from relay.delivery.context import DeliveryContext
from relay.delivery.presses import author_of, label
from relay.delivery.private_lines import say_to
from relay.slack.card import acted_upon
from relay.store.conversations import late_clicks
from relay.vocabulary import SendKind

LATE = 20.0  # seconds
# A private line cannot be taken back: it must still be true when it was done.
TAKES_LONGER = "this takes longer than usual. It will be done, or you will be told why not."


def tell_of_late_clicks(context: DeliveryContext) -> None:
    """Tell the people whose clicks are late and who do not know it yet."""
    with context.store.read() as tx:
        found = late_clicks.find(tx, tx.now - LATE)
    for one in found:
        with context.store.begin("late_clicks") as tx:
            is_mine = late_clicks.mark_told(tx, one.id)
        click = stored.read_click(one.body, one.key) if is_mine else None
        if click is not None:
            author = author_of(click, one.channel_id, one.thread_ts)
            sentence = f"{label(acted_upon(click.action_id, click.value))}: {TAKES_LONGER}"
            if not say_to(context, author, sentence, SendKind.CLICK):
                return  # Slack is away too: the others are told next time
