"""What would happen to a message: which rule matches, to which channel, why, and what Slack would get. Posts
nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from relay.errors import Rejected
from relay.kommunicate.parse import MAX_BODY, parse_webhook
from relay.messages import ChatMessage
from relay.routing.facts import SIMPLE, Facts
from relay.routing.per_route import every_redaction
from relay.routing.redact import Redactor, redactor
from relay.routing.redact_json import hide_in_value
from relay.routing.rules import Router, Tried
from relay.settings import Settings
from relay.store.operations.bodies import StoredBody
from relay.vocabulary import Outcome
from relay.wiring.deciding import chat_facts
from relay.wiring.rehearsal import rehearse
from relay.wiring.staying import stays_in, why_it_stays

LEFT_OUT = ("title", "hours", "days", "account")  # aliases of others, the same for all, or given


@dataclass(frozen=True, slots=True)
class Routed:
    """What would happen to a message; `facts` are what routes can test, by name, redacted.

    `posts` are the arguments of each call to Slack, in order. `stays_in` is the channel that its chat is in and stays
    in, whatever the rules say of it; `stays_because` says why, "" where there is no such channel.
    """

    facts: Mapping[str, str]
    rules: Sequence[Tried]
    channel: str | None
    rule: str
    why: str
    posts: Sequence[Mapping[str, Any]]
    stays_in: str | None = None
    stays_because: str = ""


def read_message(stored: StoredBody) -> ChatMessage:
    """The message of a body; raises Rejected, whose message says that the relay would refuse or not show it."""
    body = stored.body or b""
    if len(body) > MAX_BODY:
        raise Rejected(413, "too_large", f"The body is larger than {MAX_BODY:,} bytes: it would be refused.")
    try:
        message = parse_webhook(body, account=stored.account)
    except Rejected as error:
        raise Rejected(error.status, error.code, f"The body would be refused: {error}", error.details) from None
    if not isinstance(message, ChatMessage):
        raise Rejected(200, Outcome.IGNORED, f"The message would not be shown: {message.reason}.")
    return message


def dry_run(
    settings: Settings,
    message: ChatMessage,
    stored: StoredBody,
    *,
    posts: bool = True,
    channel_ids: Mapping[str, str] | None = None,
) -> Routed:
    """Evaluate it with the current configuration; without `posts`, only where the message goes.

    `channel_ids` are Slack's ids of channels given by name, as far as they are known.
    """
    router, facts = Router(settings.config), chat_facts(settings.config, message, stored.received_at)
    decision = router.choose(facts)
    shown = rehearse(settings, message, stored.body or b"") if posts else []
    hides = redactor(every_redaction(settings.config))
    clean = hides.clean if hides else str
    rules = list(router.explain(facts, clean))
    stays = stays_in(settings.config, stored.place, decision, (channel_ids or {}).get(decision.channel or ""))
    because = why_it_stays(settings.config, stored.place) if stays and stored.place else ""
    why = clean(decision.why)
    return Routed(_facts(facts, hides), rules, decision.channel, decision.rule, why, shown, stays, because)


def _facts(facts: Facts, hides: Redactor | None) -> dict[str, str]:
    """What routes can ask of it, under their names, as it may be shown; what it does not have is left out."""
    said = {name: str(value) for name in SIMPLE for value in facts.values(name) if name not in LEFT_OUT}
    if hides is not None:
        said = {name: hides.clean(value) for name, value in said.items()}
    if not facts.metadata:
        return said
    metadata = facts.metadata if hides is None else hide_in_value(facts.metadata, hides)
    return {**said, "metadata": json.dumps(metadata, ensure_ascii=False)}
