"""The REST calls: what each requires, does and answers."""

from __future__ import annotations

from typing import Any

from relay.sandbox.kommunicate.account import KommunicateAccount
from relay.sandbox.kommunicate.values import ChatLine, Conversation, KommunicateError, Person

ECHO_DELAY = 0.05  # seconds, so that the response of the send comes first
STATUSES = {"0": "open", "2": "closed"}


def wrong(description: str) -> KommunicateError:
    """An INVALID_PARAMETER."""
    return KommunicateError("INVALID_PARAMETER", description)


def user_detail(account: KommunicateAccount, body: Any) -> list[dict[str, Any]]:
    """Who these ids are; unknown ones are left out."""
    ids = body.get("userIdList") if isinstance(body, dict) else None
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise wrong("userIdList must be a list of strings")
    return [_person(account.people[each]) for each in ids if each in account.people]


def _person(person: Person) -> dict[str, Any]:
    shape = {
        "userId": person.user_id,
        "userName": person.name,
        "displayName": person.name,
        "roleType": person.role,
        "connected": True,
        "deactivated": False,
        "imageLink": "",
        "metadata": {},
    }
    more = {"email": person.email, "phoneNumber": person.phone}
    return shape | {name: value for name, value in more.items() if value}


def send(account: KommunicateAccount, body: Any) -> dict[str, Any]:
    """Adds a message to the customer's chat as an agent or bot; the webhook echoes it."""
    if not isinstance(body, dict):
        raise wrong("the body must be a JSON object")
    user_id = body.get("fromUserName")
    if not isinstance(user_id, str) or not account.is_staff(user_id):
        raise wrong("fromUserName must be an agent or bot of the team")
    text, metadata = body.get("message"), body.get("metadata") or {}
    if not isinstance(text, str) or not text:
        raise wrong("message is required")
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise wrong("metadata values must be strings")
    conversation = account.conversation(str(body.get("groupId", "")))
    line = account.add_line(conversation, account.people[user_id], text, metadata, source=4)
    _echo(account, conversation, line)
    return {"messageKey": f"5-{line.tail}", "createdAt": line.time}


def _echo(account: KommunicateAccount, conversation: Conversation, line: ChatLine) -> None:
    if account.echo == "off":
        return
    delay = 0.0 if account.echo == "before" else ECHO_DELAY
    account.webhook.send(conversation, line, metadata=account.echo != "without_metadata", delay=delay)


def change_assignee(account: KommunicateAccount, query: dict[str, str]) -> str:
    """Assigns the conversation to an agent or bot; a busy one does not get it, and the call still succeeds."""
    _check_query(query, {"groupId", "assignee"}, flags={"sendNotifyMessage", "takeOverFromBot"})
    conversation = account.conversation(query["groupId"])
    if not account.is_staff(query["assignee"]):
        raise wrong("assignee must be an agent or bot of the team")
    person = account.people[query["assignee"]]
    if conversation.assignee != person.user_id and person.user_id in account.engaged:
        return "AGENT_IS_ALREADY_ENGAGED"
    if query.get("takeOverFromBot") == "true":
        conversation.bots.clear()
    if conversation.assignee == person.user_id:
        return "already updated"
    conversation.assignee = person.user_id
    if query.get("sendNotifyMessage", "true") == "true":
        words = f"Assigned to {person.name}"
        account.notice(conversation.group_id, words, {"KM_ASSIGN": person.user_id, "LOCALIZATION_VALUE": person.name})
    account.core.touch()
    return "updated"


def change_status(account: KommunicateAccount, query: dict[str, str]) -> str:
    """Resolves or reopens the conversation."""
    _check_query(query, {"groupId", "status"}, flags={"sendNotifyMessage"})
    conversation, status = account.conversation(query["groupId"]), query["status"]
    if status not in STATUSES:
        raise wrong("status must be 0 or 2")
    if conversation.status == int(status):
        return "already updated"
    conversation.status = int(status)
    if query.get("sendNotifyMessage") == "true":
        account.notice(conversation.group_id, f"Conversation {STATUSES[status]}", {"KM_STATUS": STATUSES[status]})
    account.core.touch()
    return "updated"


def _check_query(query: dict[str, str], required: set[str], *, flags: set[str]) -> None:
    if missing := required - set(query):
        raise wrong(f"{sorted(missing)[0]} is required")
    if unknown := set(query) - required - flags:
        raise wrong(f"{sorted(unknown)[0]!r} is no parameter")
    for name in flags & set(query):
        if query[name] not in ("true", "false"):
            raise wrong(f"{name} must be true or false")


def group_info(account: KommunicateAccount, query: dict[str, str]) -> dict[str, Any]:
    """One conversation."""
    found = account.conversation(query.get("groupId") or query.get("clientGroupId", ""))
    members = [found.customer.user_id, *sorted(found.bots | {found.assignee})]
    return {
        "id": int(found.group_id),
        "clientGroupId": found.group_id,
        "name": found.title,
        "adminId": found.assignee,
        "membersId": members,
        "type": 10,
        "createdAtTime": found.created,
        "userCount": len(members),
        "metadata": {
            "CONVERSATION_STATUS": str(found.status),
            "CONVERSATION_ASSIGNEE": found.assignee,
        },
    }


def message_list(account: KommunicateAccount, query: dict[str, str]) -> dict[str, Any]:
    """The messages of a conversation, newest first; the one call whose answer has no envelope."""
    conversation = account.conversation(query.get("groupId", ""))
    size, end = query.get("pageSize", "50"), query.get("endTime", str(2**63))
    if not (size.isdecimal() and end.isdecimal()):
        raise wrong("pageSize and endTime must be numbers")
    older = [line for line in reversed(conversation.lines) if line.time < int(end)]
    people = {line.sender.user_id: line.sender for line in conversation.lines}
    return {
        "message": [_listed(account, conversation, line) for line in older[: int(size)]],
        "userDetails": [_person(person) for person in people.values()],
        "groupFeeds": [group_info(account, {"groupId": conversation.group_id})],
    }


def _listed(account: KommunicateAccount, conversation: Conversation, line: ChatLine) -> dict[str, Any]:
    received = line.sender == conversation.customer
    shape = {
        "key": f"{'4' if received else '5'}-{line.tail}",
        "pairedMessageKey": f"{'5' if received else '4'}-{line.tail}",
        "groupId": int(conversation.group_id),
        "to": line.sender.user_id,  # for type 4 this field holds the sender
        "message": line.text,
        "createdAtTime": line.time,
        "type": 4 if received else 5,
        "source": line.source,
        "status": 3,
        "contentType": line.content_type,
        "metadata": line.metadata,
    }
    meta = (
        account.files.listed(line.attached, user_key=line.sender.user_key, time=line.time)
        if line.attached
        else line.file
    )
    return shape | ({"fileMeta": meta} if meta else {})


def file_url(account: KommunicateAccount, query: dict[str, str]) -> str:
    """The signed address of a file, by its blobKey; the one call whose answer is plain text."""
    if not query.get("key"):
        raise wrong("key is required")
    return account.files.signed(query["key"])
