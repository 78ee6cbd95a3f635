"""No named place is left out."""

from __future__ import annotations

from relay.failpoints import FAILPOINTS
from tests.crash import test_failpoints, test_reply_failpoints


def test_every_place_is_tried_on_one_way_or_the_other() -> None:
    assert set(FAILPOINTS) == set(test_failpoints.PLACES) | set(test_reply_failpoints.PLACES)
