"""The words of the grey lines."""

from __future__ import annotations

import pytest

from .samples import shown


def line(message="", content_type=10, **metadata) -> str:
    return shown(message=message, contentType=content_type, metadata=metadata).text


def test_an_assignment_names_the_person():
    assert line(KM_ASSIGN="jane@example.com", LOCALIZATION_VALUE="Jane") == "Assigned to Jane"
    assert line(KM_ASSIGN="jane@example.com") == "Assigned to jane@example.com"


def test_a_name_is_one_line_of_bounded_length():
    assert line(KM_ASSIGN="x", LOCALIZATION_VALUE="Ja\nne\x00" + "e" * 999) == "Assigned to Ja ne " + "e" * 194


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("closed", "Conversation resolved"),
        ("RESOLVED", "Conversation resolved"),
        (2, "Conversation resolved"),
        ("Open", "Conversation opened"),
        ("Waiting", "Conversation is waiting"),
        ("on\nhold", "Conversation status: on hold"),
        (3, "Conversation status: 3"),
    ],
)
def test_a_status_is_put_into_words(status, words):
    assert line(KM_STATUS=status) == words


@pytest.mark.parametrize(
    ("feedback", "words"),
    [
        ('{"rating": 5, "comments": ["great"]}', "Rated 5 of 5: great"),
        ({"rating": "1", "comments": []}, "Rated 1 of 5"),
        ({"rating": 10}, "Rated 10"),
        ({"rating": 4, "comments": ["good", "and\nfast", None, 7]}, "Rated 4 of 5: good; and fast; 7"),
        ({"comments": "nice"}, "Feedback: nice"),
        ('"{\\"rating\\": 3}"', "Rated 3 of 5"),
    ],
)
def test_a_rating_is_put_into_words(feedback, words):
    assert line(feedback=feedback) == words


def test_a_summary_comes_from_the_message_or_the_metadata():
    assert line("wants a refund", 0, KM_SUMMARY="true") == "Summary: wants a refund"
    assert line("", 0, KM_SUMMARY="wants a refund") == "Summary: wants a refund"


def test_a_systems_own_wording_is_not_repeated():
    assert line("The conversation has been assigned to Jane", KM_ASSIGN="Jane") == "Assigned to Jane"


def test_somebodys_words_beside_a_notice_are_kept():
    assert line("bye", 0, KM_STATUS="closed") == "Conversation resolved: bye"
    assert line("", 103) == "Missed call or call status"
    assert line("2 min", 103) == "Missed call or call status: 2 min"
