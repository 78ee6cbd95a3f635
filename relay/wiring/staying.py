"""Where the chat of a stored message is, if the rules would put it elsewhere: chats stay where they are."""

from __future__ import annotations

from relay.delivery.moving import BY_HAND
from relay.messages import Decision
from relay.routing.per_route import route_of
from relay.routing.rules import moves_to
from relay.settings import Config
from relay.store.operations.bodies import Place

SOMEBODY = "somebody"


def stays_in(config: Config, place: Place | None, decided: Decision, channel_id: str | None = None) -> str | None:
    """The channel in which the chat stays, None if it is where the rules say, or goes there.

    `channel_id` is Slack's id of the decided channel, if it is given by name.
    """
    if place is None or place.channel is None:
        return None
    is_there = not ({decided.channel, channel_id} - {None}).isdisjoint({place.channel, place.channel_id})
    goes_there = moves_to(config, decided) and decided.rule != place.rule
    return None if is_there or goes_there else place.channel


def why_it_stays(config: Config, place: Place) -> str:
    """Why a chat is in another channel than the rules say, as a sentence."""
    if place.why.startswith(BY_HAND):
        why = f"{place.why.removeprefix(BY_HAND) or SOMEBODY} moved it there by hand"
    else:
        route = route_of(config, place.rule)
        why = (
            f"route {route.name} has `follow`" if route is not None and route.follow else "chats stay where they began"
        )
    return f"Its chat stays in {place.channel}: {why}."
