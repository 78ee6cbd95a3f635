"""Each field: what is taken, what is refused, and that every wrong one is named."""

from __future__ import annotations

import pytest

from relay.errors import Rejected

from .samples import parsed, shown


def refusal(**changes) -> Rejected:
    with pytest.raises(Rejected) as caught:
        parsed(**changes)
    return caught.value


def wrong_fields(**changes) -> list[str]:
    error = refusal(**changes)
    assert (error.status, error.code) == (422, "invalid_body")
    return [detail["field"] for detail in error.details]


@pytest.mark.parametrize("field", ["key", "from", "timeStamp", "groupId"])
def test_a_required_field_that_is_missing_is_named(field):
    assert wrong_fields(**{field: ...}) == [field]


def test_every_wrong_field_is_named_at_once():
    wrong = {"key": 1, "from": None, "timeStamp": "soon", "groupId": [], "message": {}}
    assert set(wrong_fields(**wrong)) == set(wrong)


def test_a_missing_group_is_explained():
    assert "belongs to no conversation" in str(refusal(groupId=...))


TEXT_FIELDS = ["key", "from", "groupId"]
BAD_TEXT = ["", "   ", "x" * 256, "a\x00b", "a\x1fb", "a\x7fb", "a\x85b", "a\ud800b", None, True, [], {}]


@pytest.mark.parametrize("field", TEXT_FIELDS)
@pytest.mark.parametrize("value", BAD_TEXT, ids=repr)
def test_an_id_that_cannot_be_stored_is_refused(field, value):
    assert wrong_fields(**{field: value}) == [field]


@pytest.mark.parametrize("value", [1, 1.5])
def test_a_key_is_text(value):
    assert wrong_fields(key=value) == ["key"]


@pytest.mark.parametrize("value", [123456, 123456.0, "123456", " 123456\n"])
def test_a_conversation_is_the_same_however_its_number_is_written(value):
    assert parsed(groupId=value).conversation.group_id == "123456"


@pytest.mark.parametrize("value", [1.5, True, 1e300])
def test_a_group_id_is_a_whole_number_or_text(value):
    assert wrong_fields(groupId=value) == ["groupId"]


@pytest.mark.parametrize(("value", "sender"), [("bot", "bot"), (42, "42"), ("jane@example.com", "jane@example.com")])
def test_a_sender_may_be_a_number(value, sender):
    assert shown(sender=value).sender == sender


@pytest.mark.parametrize("value", [1461590467000, "1461590467000", 1461590467000.0, " 1461590467000 "])
def test_a_time_is_read_however_it_is_written(value):
    assert shown(timeStamp=value).sent_at == 1461590467.0


@pytest.mark.parametrize("value", [0, 32_503_680_000_000])
def test_a_time_may_lie_at_either_end(value):
    assert shown(timeStamp=value).sent_at == value / 1000


@pytest.mark.parametrize("value", [-1, 32_503_680_000_001, 1.5, True, None, "", "soon", "-1", "1e12", "٣", 10**99, []])
def test_a_time_that_makes_no_sense_is_refused(value):
    assert wrong_fields(timeStamp=value) == ["timeStamp"]


@pytest.mark.parametrize("value", [5, True, [], {}])
def test_a_message_that_is_no_text_is_refused(value):
    assert wrong_fields(message=value) == ["message"]


@pytest.mark.parametrize("value", [None, "", ...])
def test_a_message_may_be_empty_or_absent(value):
    assert shown(message=value).text == ""


@pytest.mark.parametrize("value", [None, [], "", "no json", "[1]", 5, True, "{" * 500, '{"a": NaN}'])
def test_metadata_that_cannot_be_read_is_empty(value):
    assert shown(metadata=value).metadata == {}


@pytest.mark.parametrize("value", [{"plan": "pro"}, '{"plan": "pro"}'])
def test_metadata_is_an_object_or_a_string_holding_one(value):
    assert shown(metadata=value).metadata == {"plan": "pro"}


@pytest.mark.parametrize("value", [None, "x", -3, 1.5, [], {}, True, "99999999999"])
def test_a_code_that_cannot_be_read_is_plain_text(value):
    assert shown(contentType=value, type=value).text == "hello"


@pytest.mark.parametrize(
    ("value", "title"), [("Support\x00\nteam", "Support team"), (None, ""), (7, "7"), ([], ""), ("x" * 999, "x" * 255)]
)
def test_a_title_is_one_line_that_can_be_stored(value, title):
    assert shown(groupName=value).title == title


def test_unknown_fields_are_left_alone():
    extra = {"sender_": 1, "model_config": 2, "__class__": 3, "a\ud800": 4, "time_ms": "x", "group_id": []}
    assert shown(**extra) == shown()
