"""Ages and times as people and scripts get them."""

from __future__ import annotations

import pytest

from relay.cli.times import in_words, iso

AGES = {0: "0 s", 0.9: "0 s", 59: "59 s", 60: "1 min", 3599: "59 min", 7199: "119 min", 7200: "2 h", 172_799: "47 h",
        172_800: "2 d", 8_640_000: "100 d", -5: "0 s"}  # fmt: skip


@pytest.mark.parametrize(("seconds", "words"), AGES.items())
def test_an_age_is_said_in_its_largest_unit_that_says_enough(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_a_moment_is_written_in_utc() -> None:
    assert iso(1_712_345_678.25) == "2024-04-05T19:34:38.250Z"
