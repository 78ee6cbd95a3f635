"""The message webhook: the documented bodies A and B, and the header with its unusual name."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from relay.sandbox.core import Core
from relay.sandbox.kommunicate.values import ChatLine, Conversation
from relay.sandbox.outbox import Outbox, Outgoing


class WebhookSender:
    """Posts each message to `url`, in order per conversation, and keeps the answers."""

    def __init__(self, core: Core, token: str) -> None:
        self.token = token
        self.url: str | None = None
        self.outbox = Outbox(core, (0.2, 0.5, 1.0))

    def send(
        self, conversation: Conversation, line: ChatLine, *, metadata: bool = True, delay: float = 0.0
    ) -> Outgoing | None:
        """Queues the webhook for one message; None if there is no address."""
        if self.url is None:
            return None
        body = webhook_body(conversation, line, metadata=metadata)
        item = Outgoing(
            lane=conversation.group_id,
            url=self.url,
            body=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authentication": self.authentication()},
            key=body["key"],
            not_before=time.monotonic() + delay,
        )
        line.delivery = item
        return self.outbox.put(item)

    def authentication(self) -> str:
        """`Basic base64(token)`, without the `user:` part of real basic auth."""
        return "Basic " + base64.b64encode(self.token.encode()).decode()


def webhook_body(conversation: Conversation, line: ChatLine, *, metadata: bool = True) -> dict[str, Any]:
    """Body A, or B if it has a file or metadata."""
    body: dict[str, Any] = {
        "key": f"4-{line.tail}",
        "from": line.sender.user_id,
        "groupId": int(conversation.group_id),
        "clientGroupId": conversation.group_id,
        "groupName": conversation.title,
        "message": line.text,
        "timeStamp": line.time,
    }
    if line.content_type not in (0, 1):
        body["contentType"] = line.content_type
    if line.file:
        body["file"] = line.file
    if line.metadata and metadata:
        body["metadata"] = line.metadata
    if "file" not in body and "metadata" not in body:
        body |= {"receiverConnected": True, "receiverLastSeenAtTime": line.time}
    return body
