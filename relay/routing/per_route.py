"""What a route sets for its chats; anything it leaves out is as for all chats."""

from __future__ import annotations

from relay.conversation import Show
from relay.files import Attachments, FilesBack
from relay.routing.redact import Redactor, redactor
from relay.settings import Config, Route
from relay.settings.redactions import Redaction
from relay.settings.schema import Remind

LEFT = "left"  # instead of a rule: for posts in a channel that their conversation has left


def route_of(config: Config, rule: str) -> Route | None:
    """The route that chose a conversation's channel, by its decision's `rule`; None if no route did."""
    kind, _, name = rule.partition(":")
    return config.routes_by_name.get(name) if kind == "routes" else None


def attachments_for(config: Config, rule: str) -> Attachments:
    """How customers' files are shown in conversations whose channel this rule chose."""
    if rule == LEFT and any(route.attachments is Attachments.NONE for route in config.routes):
        return Attachments.NONE
    route = route_of(config, rule)
    return (route and route.attachments) or config.attachments


def show_for(config: Config, rule: str) -> Show:
    """How much of such conversations their channel sees."""
    route = route_of(config, rule)
    return (route and route.show) or config.show


def batch_for(config: Config, rule: str) -> float:
    """How many seconds a bot's messages wait there to be combined."""
    route = route_of(config, rule)
    return config.batch if route is None or route.batch is None else route.batch


def notify_for(config: Config, rule: str) -> str:
    """Whom the card of a new chat notifies there: a user's or user group's id, `here` or `channel`; "" for nobody."""
    route = route_of(config, rule)
    return (route and route.notify) or ""


def led_by(config: Config, rule: str) -> str | None:
    """The channel of such conversations if their route follows what customers say later; otherwise None."""
    route = route_of(config, rule)
    return route.channel if route is not None and route.follow else None


def files_back_for(config: Config, rule: str) -> FilesBack:
    """What happens there to the files of agents' replies."""
    route = route_of(config, rule)
    return (route and route.files_back) or config.files_back


def remind_for(config: Config, rule: str) -> Remind:
    """When somebody is notified there because a customer is waiting; anything the route leaves out is as for all."""
    route = route_of(config, rule)
    own = {name: value for name, value in route.remind if value is not None} if route else {}
    return config.remind.model_copy(update=own)


def redact_for(config: Config, rule: str) -> Redactor | None:
    """The redactor for conversations whose channel this rule chose; None if nothing is hidden.

    For a channel that a chat has left, the rule is no longer known: everything is hidden there that is hidden anywhere.
    """
    if rule == LEFT:
        return redactor(every_redaction(config))
    route = route_of(config, rule)
    return redactor(config.redact if route is None or route.redact is None else route.redact)


def every_redaction(config: Config) -> tuple[Redaction, ...]:
    """Everything that is hidden in some chat, each once."""
    return tuple(dict.fromkeys((*config.redact, *(one for route in config.routes for one in route.redact or ()))))


def facts_for(config: Config, rule: str) -> tuple[str, ...]:
    """What their cards show about the customer."""
    route = route_of(config, rule)
    return config.facts if route is None or route.facts is None else route.facts
