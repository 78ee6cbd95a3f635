"""The methods whose rate limits and refusals hold back the same work:
https://docs.slack.dev/apis/web-api/rate-limits
"""

from __future__ import annotations

POSTING = ("chat.postMessage",)
LOOKING = ("auth.test", "conversations.history", "conversations.replies", "chat.delete")
MARKING = ("reactions.add", "reactions.remove", "chat.update")
SAY_PRIVATELY = "chat.postEphemeral"
FIND_CHANNEL = "conversations.list"
UPLOAD_FILE, SHARE_FILE = "files.getUploadURLExternal", "files.completeUploadExternal"
SHARING = (UPLOAD_FILE, SHARE_FILE, "files.info", "files.delete")
