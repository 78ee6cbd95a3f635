"""Every error code that Slack documents or was seen to send, by what the caller must do.

From the pages of the methods, https://docs.slack.dev/reference/methods/chat.postMessage and its siblings (chat.update,
chat.delete, chat.postEphemeral, reactions.add, files.completeUploadExternal, conversations.replies, conversations.join,
users.info, views.open). A code that is missing here means `UNSURE`: the pages themselves say that they are incomplete.
"""

from __future__ import annotations

from enum import Enum, auto

from relay.slack.limits import SHARING


class Meaning(Enum):
    """What a code means for a call."""

    DONE = auto()
    TRANSIENT = auto()
    RATE_LIMITED = auto()
    UNSURE = auto()
    WORKSPACE = auto()
    CHANNEL = auto()
    CHANNEL_OR_WORKSPACE = auto()  # the pages do not say which: the channel, until several channels agree
    THREAD = auto()
    PERMANENT = auto()


_TABLE = {
    # The requested state exists already.
    Meaning.DONE: "already_reacted no_reaction",
    # Certainly not done. The two about organisations pass by themselves, slowly.
    Meaning.TRANSIENT: """service_unavailable request_timeout team_added_to_org org_login_required
        external_channel_migrating""",
    Meaning.RATE_LIMITED: "ratelimited rate_limited",
    # "Some aspect of the operation may have succeeded."
    Meaning.UNSURE: """internal_error fatal_error duplicate_message_not_found duplicate_channel_not_found
        update_failed""",
    Meaning.WORKSPACE: """not_authed invalid_auth account_inactive token_revoked token_expired missing_scope
        not_allowed_token_type two_factor_setup_required message_limit_exceeded method_deprecated
        deprecated_endpoint as_user_not_supported metadata_must_be_sent_from_app messages_tab_disabled
        not_enabled""",
    Meaning.CHANNEL_OR_WORKSPACE: """no_permission team_access_not_granted access_denied accesslimited
        enterprise_is_restricted ekm_access_denied team_not_found""",
    Meaning.CHANNEL: """channel_not_found not_in_channel is_archived restricted_action
        restricted_action_read_only_channel restricted_action_thread_only_channel
        restricted_action_non_threadable_channel slack_connect_file_link_sharing_blocked
        slack_connect_canvas_sharing_blocked slack_connect_lists_sharing_blocked
        method_not_supported_for_channel_type channel_is_limited_access too_many_members
        posting_to_channel_denied invalid_channel""",
    Meaning.THREAD: """restricted_action_thread_locked cannot_reply_to_message thread_not_found
        thread_locked""",
    Meaning.PERMANENT: """invalid_blocks invalid_blocks_format msg_blocks_too_long msg_too_long msg_too_large
        no_text markdown_text_conflict too_many_attachments attachment_payload_limit_exceeded
        invalid_attachments too_many_contact_cards metadata_too_large invalid_metadata_format
        invalid_metadata_schema missing_file_data invalid_arguments invalid_arg_name invalid_array_arg
        invalid_charset invalid_form_data invalid_post_type missing_post_type draft_already_deleted
        draft_already_sent draft_has_conflict draft_not_found

        message_not_found cant_update_message edit_window_closed is_inactive block_mismatch
        streaming_state_conflict cant_broadcast_message no_dual_broadcast_content_update blocked_file_type
        file_deleted file_is_deleted file_not_found file_share_limit_reached max_file_sharing_exceeded
        unable_to_share_files slack_connect_blocked_file_type slack_connect_clip_sharing_blocked
        slack_connect_file_upload_sharing_blocked cant_delete_message cant_delete_file
        delete_not_allowed file_deleting_disabled compliance_exports_prevent_deletion

        user_not_in_channel bad_timestamp invalid_name no_item_specified not_reactable no_access
        too_many_emoji too_many_reactions file_comment_not_found

        not_visible file_uploads_disabled file_uploads_except_images_disabled file_type_not_allowed
        file_upload_size_restricted storage_limit_reached channels_limit_exceeded file_update_failed
        alt_txt_too_large snippet_too_large unknown_snippet_type unknown_subtype missing_argument
        canvas_disabled_file_team canvas_disabled_user_team canvas_globally_disabled template_not_visible

        invalid_cursor invalid_ts_oldest invalid_ts_latest invalid_metadata_filter_keys
        list_record_comment_fetch_failed

        user_not_found user_not_visible users_not_found too_many_users bot_not_found

        expired_trigger_id exchanged_trigger_id invalid_trigger_id view_too_large hash_conflict
        duplicate_external_id missing_profile_id not_implemented""",
}

# The same code with a different meaning.
_OF_METHOD = {
    ("files.delete", "file_not_found"): Meaning.DONE,
    ("files.delete", "file_deleted"): Meaning.DONE,
    ("chat.delete", "message_not_found"): Meaning.DONE,
    ("chat.update", "message_not_found"): Meaning.THREAD,  # only roots are updated, so the root is gone
    ("chat.update", "is_inactive"): Meaning.CHANNEL,  # the channel is archived
    ("chat.getPermalink", "message_not_found"): Meaning.THREAD,
}

_OF_A_PLACE = (Meaning.CHANNEL, Meaning.CHANNEL_OR_WORKSPACE)
_OF_ANY = {code: meaning for meaning, codes in _TABLE.items() for code in codes.split()}


def meaning_of(code: str, method: str) -> Meaning:
    """Returns what a code means for a call of this method; `UNSURE` if it is undocumented."""
    meaning = _OF_METHOD.get((method, code)) or _OF_ANY.get(code, Meaning.UNSURE)
    is_files_alone = method in SHARING and (meaning in _OF_A_PLACE or code == "missing_scope")
    return Meaning.PERMANENT if is_files_alone else meaning  # messages go out without files


def is_documented(code: str) -> bool:
    """True for a documented code."""
    return code in _OF_ANY


TOKEN = "SLACK_BOT_TOKEN"  # noqa: S105  the variable that the token comes from, unless it is another workspace's
# What a person can do about it. Other codes are reported by name only.
ADVICE = {
    "not_authed": f"set {TOKEN}",
    "invalid_auth": f"{TOKEN} is wrong or was replaced: copy it again from the app's page",
    "account_inactive": "the app was removed from the workspace: install it again",
    "token_revoked": "the app was removed from the workspace: install it again",
    "token_expired": "the app was created with token rotation: create it again without",
    "not_allowed_token_type": f"{TOKEN} must be the bot's token; it begins with xoxb-",
    "as_user_not_supported": "the token is of an old kind: create the app again from slack-manifest.yaml",
    "metadata_must_be_sent_from_app": "the token is not an app's: create the app from slack-manifest.yaml",
    "two_factor_setup_required": "the workspace requires two-factor sign-in from the person who installed the app",
    "method_deprecated": "Slack has retired this call: upgrade the relay",
    "deprecated_endpoint": "Slack has retired this call: upgrade the relay",
    "messages_tab_disabled": "this is a direct message, not a channel: name a channel",
    "not_enabled": "turn on the Home tab in the app's settings, under App Home",
    "no_permission": "the workspace does not allow the app to do this: ask its admins",
    "access_denied": "the workspace does not allow the app to do this: ask its admins",
    "accesslimited": "the workspace limits what the app may do: ask its admins",
    "team_access_not_granted": "the app was not approved for this workspace: ask the organisation's admins",
    "team_not_found": "the token does not belong to this workspace: install the app there again",
    "enterprise_is_restricted": "the organisation does not allow the app to do this: ask its admins",
    "ekm_access_denied": "the organisation has withdrawn the key to its data: ask its admins",
    "missing_scope": "add the scope to the app and install it again",
    "file_uploads_disabled": "this workspace does not accept files",
    "file_uploads_except_images_disabled": "this workspace accepts only pictures",
    "file_type_not_allowed": "this workspace does not accept files of this type",
    "blocked_file_type": "this workspace does not accept files of this type",
    "file_upload_size_restricted": "this workspace does not accept files of this size",
    "storage_limit_reached": "the workspace's storage is full",
    "slack_connect_file_upload_sharing_blocked": "another workspace in this channel does not accept files",
    "slack_connect_blocked_file_type": "another workspace in this channel does not accept files of this type",
    "file_deleted": "it was deleted in Slack",
    "message_limit_exceeded": "the workspace's free plan is used up",
    "channel_not_found": "no such channel, or a private one: invite the bot with /invite",
    "not_in_channel": "invite the bot with /invite",
    "invalid_channel": "no such channel: correct its id",
    "channel_is_limited_access": "access to the channel is limited: ask the workspace's admins to let the app in",
    "too_many_members": "the channel has too many members for this: choose another one",
    "posting_to_channel_denied": "a workspace setting keeps the app from posting in this channel",
    "slack_connect_file_link_sharing_blocked": "another workspace in this channel does not accept links to files",
    "slack_connect_canvas_sharing_blocked": "another workspace in this channel does not accept canvases",
    "slack_connect_lists_sharing_blocked": "another workspace in this channel does not accept lists",
    "method_not_supported_for_channel_type": "a private channel cannot be joined: invite the bot with /invite",
    "is_archived": "the channel is archived: unarchive it, or route its conversations to another channel",
    "restricted_action": "a workspace setting keeps the app from posting in this channel",
    "restricted_action_read_only_channel": "the channel is read only: let the app post in it",
    "restricted_action_non_threadable_channel": "the channel does not allow threads: choose another one",
    "restricted_action_thread_only_channel": "the channel does not allow new threads: choose another one",
}
