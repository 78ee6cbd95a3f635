"""F7: every code of Slack's lands in its class, whatever status and body come with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import OperatorNeeded, Permanent, RateLimited, ThreadGone, Transient, Unsure
from relay.slack.errors import classify

A = "service_unavailable request_timeout team_added_to_org org_login_required external_channel_migrating"
LIMITED = "ratelimited rate_limited"
B = "internal_error fatal_error duplicate_message_not_found duplicate_channel_not_found update_failed never_seen"
C = """not_authed invalid_auth account_inactive token_revoked token_expired missing_scope not_allowed_token_type
    two_factor_setup_required message_limit_exceeded method_deprecated
    deprecated_endpoint as_user_not_supported metadata_must_be_sent_from_app messages_tab_disabled"""
# Nobody says whether it is the channel or all of the workspace.
C_OR_D = """no_permission team_access_not_granted access_denied accesslimited enterprise_is_restricted
    ekm_access_denied team_not_found"""
D = """channel_not_found not_in_channel is_archived restricted_action restricted_action_read_only_channel
    restricted_action_thread_only_channel restricted_action_non_threadable_channel
    slack_connect_file_link_sharing_blocked slack_connect_canvas_sharing_blocked
    slack_connect_lists_sharing_blocked method_not_supported_for_channel_type posting_to_channel_denied"""
E = "restricted_action_thread_locked cannot_reply_to_message thread_not_found thread_locked"
F = """invalid_blocks invalid_blocks_format msg_blocks_too_long msg_too_long msg_too_large no_text
    markdown_text_conflict too_many_attachments attachment_payload_limit_exceeded invalid_attachments
    too_many_contact_cards metadata_too_large invalid_metadata_format invalid_metadata_schema
    missing_file_data invalid_arguments invalid_arg_name invalid_array_arg invalid_charset invalid_form_data
    invalid_post_type missing_post_type draft_already_deleted draft_already_sent draft_has_conflict
    draft_not_found"""
# Further codes of the other methods: known, and final for that call.
OF_OTHERS = """message_not_found cant_update_message edit_window_closed is_inactive block_mismatch
    streaming_state_conflict cant_broadcast_message no_dual_broadcast_content_update blocked_file_type
    file_deleted file_is_deleted file_not_found file_share_limit_reached max_file_sharing_exceeded
    unable_to_share_files slack_connect_blocked_file_type slack_connect_clip_sharing_blocked
    slack_connect_file_upload_sharing_blocked cant_delete_message user_not_in_channel bad_timestamp
    invalid_name no_item_specified not_reactable no_access too_many_emoji too_many_reactions
    file_comment_not_found not_visible file_uploads_disabled file_uploads_except_images_disabled
    file_type_not_allowed file_upload_size_restricted storage_limit_reached channels_limit_exceeded
    file_update_failed alt_txt_too_large snippet_too_large unknown_snippet_type unknown_subtype
    missing_argument canvas_disabled_file_team canvas_disabled_user_team canvas_globally_disabled
    template_not_visible invalid_cursor invalid_ts_oldest invalid_ts_latest invalid_metadata_filter_keys
    list_record_comment_fetch_failed user_not_found user_not_visible users_not_found too_many_users bot_not_found
    expired_trigger_id exchanged_trigger_id invalid_trigger_id view_too_large hash_conflict
    duplicate_external_id missing_profile_id not_implemented"""
CLASSES = {
    Transient: A,
    RateLimited: LIMITED,
    Unsure: B,
    OperatorNeeded: f"{C} {D} {C_OR_D}",
    ThreadGone: E,
    Permanent: F + " " + OF_OTHERS,
}
CODES = [(code, kind) for kind, codes in CLASSES.items() for code in codes.split()]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def refused(code, method="chat.postMessage", **more):
    return classify(200, {"ok": False, "error": code, **more}, {}, method)


@pytest.mark.parametrize(("code", "kind"), CODES)
def test_it_knows_every_code(code, kind):
    """The class says what to do, the code is kept for whoever reads the log."""
    error = refused(code)
    assert type(error) is kind
    assert error.code == code
    assert code in str(error) or kind is RateLimited


@pytest.mark.parametrize(
    ("codes", "scope", "shared"), [(C, "workspace", False), (D, "channel", False), (C_OR_D, "channel", True)]
)
def test_it_closes_no_more_than_the_code_concerns(codes, scope, shared):
    """One archived channel holds up that channel."""
    found = [refused(code) for code in codes.split()]
    assert {(error.scope, error.shared) for error in found} == {(scope, shared)}


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("chat.delete", "message_not_found"),
        ("reactions.add", "already_reacted"),
        ("reactions.remove", "no_reaction"),
    ],
)
def test_it_calls_done_what_is_already_so(method, code):
    """Asking for what is the case is no failure."""
    assert refused(code, method) is None


def test_it_says_nothing_about_success():
    """Only `ok: true` with status 200 is success."""
    assert classify(200, {"ok": True}, {}, "chat.postMessage") is None
    assert type(classify(404, {"ok": True}, {}, "chat.postMessage")) is Unsure


@pytest.mark.parametrize("status", [500, 502, 503, 504, 302])
def test_it_reads_the_status_before_the_code(status):
    """What a gateway says does not tell whether Slack posted."""
    body = {"ok": False, "error": "channel_not_found"}
    assert type(classify(status, body, {}, "chat.postMessage")) is Unsure
    assert type(classify(429, body, {}, "chat.postMessage")) is RateLimited


PICTURE = "downloading image failed [json-pointer:/blocks/0/image_url]"


@pytest.mark.parametrize("where", ["errors", "response_metadata"])
def test_it_tells_a_picture_from_the_rest(where):
    """A picture that cannot be fetched leaves words that can be shown."""
    error = refused("invalid_blocks", **{where: [PICTURE] if where == "errors" else {"messages": [PICTURE]}})
    assert error.picture
    assert str(error).endswith(PICTURE)
    assert refused("invalid_blocks", errors=["downloading image failed"]).picture
    assert not refused("invalid_blocks", errors=["no more than 50 items allowed [json-pointer:/blocks]"]).picture


def test_it_keeps_the_rule_and_the_place_and_nothing_quoted():
    """Slack may quote what it refuses, and that is the customer's."""
    said = '[ERROR] must be less than 3001 characters, got "my secret" [json-pointer:/blocks/1/text/text]'
    error = refused("invalid_blocks", errors=[said, "my secret"])
    assert str(error).endswith("must be less than 3001 characters [json-pointer:/blocks/1/text/text]")
    assert "secret" not in str(error)


def test_it_tells_what_a_person_can_do():
    """The sentence names the missing scope; one that is no scope is left out."""
    assert "(groups:history): add the scope" in str(refused("missing_scope", needed="groups:history"))
    assert "DROP" not in str(refused("missing_scope", needed="DROP TABLE;"))


@given(st.integers(100, 599), st.dictionaries(st.text(), json_values) | st.none(), json_values)
def test_it_makes_an_error_of_any_answer(status, body, reasons):
    """Nothing that Slack or something before it says can break the reading."""
    strange = {"ok": False, "error": "invalid_blocks", "errors": reasons, "response_metadata": reasons}
    assert type(classify(200, strange, {}, "chat.postMessage")) is Permanent
    assert classify(status, body, {}, "chat.postMessage") is not None or (status == 200 and body["ok"] is True)


@pytest.mark.parametrize(("code", "unknown"), [("internal_error", False), ("never_heard_of", True)])
def test_it_tells_an_undocumented_code_from_a_documented_one(code, unknown):
    """Both may have been done; only the first never counts as a refusal."""
    error = classify(200, {"ok": False, "error": code}, {}, "chat.postMessage")
    assert isinstance(error, Unsure)
    assert error.unknown_code is unknown


@pytest.mark.parametrize("code", f"{C} {C_OR_D} {D}".split())
def test_whatever_a_person_has_to_mend_says_how(code: str) -> None:
    """A code alone tells nobody what to do."""
    assert ": " in str(classify(200, {"ok": False, "error": code}, {}, "chat.postMessage"))
