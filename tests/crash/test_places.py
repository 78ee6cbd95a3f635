"""No named place is left out."""

from __future__ import annotations

from relay.failpoints import FAILPOINTS
from tests.crash import test_failpoints, test_reminders, test_reply_failpoints


def test_every_place_is_tried_on_one_way_or_the_other() -> None:
    tried = (test_failpoints.PLACES, test_reply_failpoints.PLACES, test_reminders.PLACES)
    assert set(FAILPOINTS) == {place for places in tried for place in places}
