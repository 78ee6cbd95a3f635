"""What is shown, what is one grey line, what is ignored: the table, rule by rule."""

from __future__ import annotations

import pytest

from relay.messages import Ignored, MessageKind

from .samples import parsed, shown

FILE = {"name": "a.png"}

HIDDEN = [
    {"metadata": {"category": "HIDDEN"}},
    {"metadata": {"category": "hidden"}},
    {"contentType": 11},
    {"contentType": "11"},
    {"contentType": 10, "metadata": {"hide": "true"}},
    {"metadata": {"hide": True}},
    {"contentType": 10, "metadata": {"KM_TRIGGER_EVENT": "{}"}},
    {"type": 6},
    {"type": 7},
    {"contentType": 102},
    {"tokenMessage": True},
    {"tokenMessage": "a piece"},
    {"message": "", "metadata": {"firstToken": "true"}},
    {"message": "", "metadata": {"lastToken": "true"}},
    {"message": "", "metadata": {"PLATFORM_MESSAGE_ID": "7"}},
    {"message": "", "metadata": {"KM_ASSIGN_TO": ""}},
    {"message": " ", "metadata": {"KM_ASSIGN_TEAM": "42"}},
    {"metadata": {"AL_DELETE_GROUP_MESSAGE_FOR_ALL": "true"}},
    {"message": "", "contentType": 10},
    {"message": None, "contentType": 13},
]
MESSAGES = [
    {"metadata": {"category": "PUSHNOTIFICATION"}},
    {"metadata": {"category": "ARCHIVE"}},
    {"metadata": {"hide": "false"}},
    {"contentType": 0, "metadata": {"hide": "true"}},
    {"type": 4},
    {"contentType": 5},
    {"contentType": 12},
    {"contentType": 101},
    {"contentType": 104},
    {"tokenMessage": False},
    {"tokenMessage": "false"},
    {"metadata": {"lastToken": "true"}},
    {"metadata": {"PLATFORM_MESSAGE_ID": "7"}},
    {"metadata": {"KM_ASSIGN_TO": "jane"}},
    {"metadata": {"KM_ASSIGN": ""}},
    {"metadata": {"KM_STATUS": ""}},
    {"metadata": {"KM_SUMMARY": "false"}},
    {"metadata": {"feedback": "very good"}},
    {"metadata": {"feedback": {}}},
    {"metadata": {"KM_AUTO_SUGGESTION": "{}", "KM_FIELD": "{}", "AL_REPLY": "5-x"}},
    {"metadata": {"AL_DELETE_GROUP_MESSAGE_FOR_ALL": "false"}},
]
NOTICES = [
    {"metadata": {"KM_ASSIGN": "jane"}},
    {"metadata": {"KM_ASSIGN": "jane", "category": "HIDDEN"}},
    {"metadata": {"KM_STATUS": "open"}},
    {"metadata": {"feedback": {"rating": 1}}},
    {"metadata": {"KM_SUMMARY": "true"}},
    {"contentType": 103},
    {"contentType": 10},
    {"contentType": 13},
]


@pytest.mark.parametrize("changes", HIDDEN, ids=str)
def test_it_is_ignored(changes):
    assert isinstance(parsed(**changes), Ignored)


@pytest.mark.parametrize("changes", MESSAGES, ids=str)
def test_it_is_shown_as_written(changes):
    message = shown(**changes)
    assert (message.kind, message.text) == (MessageKind.MESSAGE, "hello")


@pytest.mark.parametrize("changes", NOTICES, ids=str)
def test_it_is_one_grey_line(changes):
    assert shown(**changes).kind == MessageKind.NOTICE


@pytest.mark.parametrize("metadata", [{"KM_ASSIGN_TO": ""}, {"lastToken": "true"}])
def test_a_file_is_shown_even_where_words_are_missing(metadata):
    assert shown(message="", file=FILE, metadata=metadata).attachment


def test_a_rich_answer_marked_as_streamed_is_shown():
    metadata = {"lastToken": "true", "contentType": "300", "templateId": "6", "payload": '[{"title": "Yes"}]'}
    assert shown(message="", metadata=metadata).text == "Options: Yes"


def test_an_ignored_message_holds_its_key():
    assert parsed(contentType=11, key="5-abc").key == "abc"
