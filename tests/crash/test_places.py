"""No named place is left out."""

from __future__ import annotations

from relay.failpoints import FAILPOINTS
from tests.crash import (
    test_alerts,
    test_failpoints,
    test_file_failpoints,
    test_purge_failpoints,
    test_reminders,
    test_reply_failpoints,
)


def test_every_place_is_tried_on_one_way_or_the_other() -> None:
    told = (test_alerts, test_reminders)
    modules = (test_failpoints, test_file_failpoints, test_purge_failpoints, test_reply_failpoints, *told)
    tried = (module.PLACES for module in modules)
    assert set(FAILPOINTS) == {place for places in tried for place in places}
