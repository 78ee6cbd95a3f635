"""Every raw sample becomes what it should; a wrong body is refused by name."""

from __future__ import annotations

import dataclasses

import pytest

from relay.errors import Rejected
from relay.kommunicate.parse import MAX_BODY, parse_webhook
from relay.messages import Attachment, ChatMessage, ConversationKey, Ignored, MessageKind

from .samples import body, names, parsed, sample, shown

MESSAGES = {
    "documented_text": "message content",
    "documented_file": "message content",
    "older_revision": "message content",
    "file_only": "",
    "file_meta": "",
    "metadata_as_string": "hi",
    "metadata_nested_json": "hi",
    "metadata_nested_object": "hi",
    "metadata_null": "hi",
    "hand_over_with_words": "One moment, I am getting a person.",
    "location": "Location: 12.3, 45.6\nhttps://www.openstreetmap.org/?mlat=12.3&mlon=45.6",
    "contact": "Contact: Jane Doe, +49 123",
    "html": "Hello,\nsee this page (https://example.com/a) & reply",
    "rich_buttons": "Pay now (https://example.com/pay)\nOptions: Cancel",
    "rich_replies": "Shall we go on?\nOptions: Yes, No",
    "rich_list": "Help\n• Billing: Invoices (https://example.com/b)\n• Other\nMore (https://example.com/more)",
    "rich_dialog": "Refunds\nWithin 14 days\nOptions: Helpful, Not helpful",
    "rich_image": "Image: Our shop (https://example.com/a.png)",
    "rich_cards": "Room · $100 · New\nSea view\nTwo beds\nBook (https://example.com/book)\nOptions: Ask",
    "rich_mixed": "Site (https://example.com)\nOptions: Yes",
    "rich_form": "Form:\n• Name\n• PIN\n• Size: S, L",
    "rich_generic": "Open (https://example.com/o)\nOptions: No",
    "rich_video": "Video: Tour (https://example.com/v)",
    "rich_twice_encoded": "Options: Yes",
    "rich_single_quotes": "(rich message of type 6: open it in Kommunicate)",
    "rich_single_quotes_with_text": "Choose, please",
    "rich_travel": "(rich message of type 2: open it in Kommunicate)",
}
NOTICES = {
    "assigned": "Assigned to Jane",
    "status_closed": "Conversation resolved",
    "feedback": "Rated 5 of 5: great",
    "summary": "Summary: The customer asks for a refund.",
    "call_missed": "Missed call or call status",
    "notification_text": "jane created group Support",
}
IGNORED = {
    "hand_over_silent": "hand-over request without words",
    "hidden_category": "hidden message",
    "hidden_trigger": "hidden message",
    "stream_piece": "piece of a streamed answer",
    "deleted_for_all": "withdrawn by its author",
    "call_signal": "call signalling",
}
REFUSED = {"bot_webhook": "wrong_webhook", "one_to_one": "invalid_body"}


@pytest.mark.parametrize(("name", "text"), MESSAGES.items())
def test_a_message_becomes_its_words(name, text):
    message = parse_webhook(sample(name))
    assert isinstance(message, ChatMessage)
    assert (message.kind, message.text) == (MessageKind.MESSAGE, text)


@pytest.mark.parametrize(("name", "text"), NOTICES.items())
def test_what_is_not_chat_becomes_one_line(name, text):
    message = parse_webhook(sample(name))
    assert isinstance(message, ChatMessage)
    assert (message.kind, message.text) == (MessageKind.NOTICE, text)


@pytest.mark.parametrize(("name", "reason"), IGNORED.items())
def test_what_is_not_shown_is_ignored_with_a_reason(name, reason):
    ignored = parse_webhook(sample(name))
    assert isinstance(ignored, Ignored)
    assert ignored.reason == reason


@pytest.mark.parametrize(("name", "code"), REFUSED.items())
def test_what_cannot_be_placed_is_refused(name, code):
    with pytest.raises(Rejected) as caught:
        parse_webhook(sample(name))
    assert (caught.value.status, caught.value.code) == (422, code)


def test_every_sample_has_its_expected_outcome():
    assert names() == sorted([*MESSAGES, *NOTICES, *IGNORED, *REFUSED])


def test_the_documented_text_is_read_whole():
    expected = ChatMessage(
        ConversationKey("eu", "123456"), "message key", "sender unique id", 1457958424.0, "message content",
        title="Conversation", client_group_id="123456",
    )  # fmt: skip
    assert parse_webhook(sample("documented_text"), account="eu") == expected


def test_the_documented_file_keeps_what_can_be_used_of_it():
    message = parse_webhook(sample("documented_file"))
    assert isinstance(message, ChatMessage)
    assert message.attachment == Attachment("file", "image/gif", 28150)
    assert message.metadata == {"key1": "value1", "key2": "value2"}


def test_both_copies_of_a_message_share_one_key():
    assert parsed(key="4-abc-1").key == parsed(key="5-abc-1").key == "abc-1"


@pytest.mark.parametrize("key", ["6-abc", "45-abc", "message key", "4-", "x4-5-"])
def test_any_other_key_stays_as_it_is(key):
    assert parsed(key=key).key == key


def test_a_piece_of_an_answer_does_not_take_the_whole_answers_key():
    assert parsed(tokenMessage=True).key != parsed().key


def test_a_message_without_anything_to_say_is_still_shown():
    assert shown(message=...).text == ""


def test_a_message_is_never_shortened_or_trimmed():
    text = "  two\r\nlines \x07 \u202e" + "x" * 200_000 + "\n"
    assert shown(message=text).text == text


def test_an_outcome_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        shown().text = "x"  # type: ignore[misc]


@pytest.mark.parametrize(
    "changes",
    [
        {"botId": "b"},
        {"eventName": "WELCOME"},
        {"createdAt": 1, "timeStamp": ...},
        {"botId": "b", "groupId": ..., "timeStamp": ..., "key": ...},
    ],
)
def test_a_bots_webhook_is_told_where_the_url_belongs(changes):
    with pytest.raises(Rejected, match="Settings > Webhooks & Security") as caught:
        parsed(**changes)
    assert (caught.value.status, caught.value.code) == (422, "wrong_webhook")


@pytest.mark.parametrize("changes", [{"createdAt": 1}, {"botId": None}, {"eventName": None}])
def test_a_message_webhook_is_not_taken_for_a_bots(changes):
    assert shown(**changes).text == "hello"


@pytest.mark.parametrize("raw", [b"[]", b'"x"', b"1", b"null", b"true"])
def test_json_that_is_no_object_is_422(raw):
    with pytest.raises(Rejected) as caught:
        parse_webhook(raw)
    assert (caught.value.status, caught.value.code) == (422, "invalid_body")


def test_a_byte_order_mark_is_tolerated():
    assert parse_webhook(b"\xef\xbb\xbf" + body()) == parsed()


def test_the_largest_body_is_a_quarter_of_a_mebibyte():
    assert MAX_BODY == 262_144
