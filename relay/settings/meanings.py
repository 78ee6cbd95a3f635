"""The meaning of each key of the YAML file, for editors (the file's JSON Schema) and for the reference in the docs.

Separate from the types because only these two need it: the relay itself reads the file without it.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from relay.settings import accounts, redactions, schema

MEANINGS: Mapping[type[BaseModel], Mapping[str, str]] = {
    schema.Config: {
        "slack": "More Slack workspaces on the same relay.",
        "channels": "Kommunicate's conversation id (`groupId`), and the channel that chat goes to. Checked first.",
        "routes": "Rules for all other chats. The first one that matches decides.",
        "tests": "Sample messages and where each must go. `relay check` runs them.",
        "default_channel": (
            "The channel for everything else. Without one, such chats wait until the file names a channel."
        ),
        "alerts": "Where the relay reports trouble.",
        "kommunicate": "Your Kommunicate account, and who in it is not a customer.",
        "replies": "Which of your team's messages reach the customer, and how.",
        "remind": "When somebody is notified because a customer is waiting.",
        "saved_replies": "Replies for the *Saved replies* shortcut: a name and its text. At most 100.",
        "attachments": (
            "Customers' files. `auto`: a picture where Slack can fetch it, otherwise the file itself. `upload`: the "
            "file itself. `thumbnail`: pictures only. `link`: name, type and size. `none`: only that there is a "
            "file."
        ),
        "files_back": (
            "Files in your team's replies. `auto`: the customer gets a link, and sees a picture as a picture. "
            "`link`: a link only. `refuse`: a reply with a file is not sent."
        ),
        "show": (
            "How much of a chat its channel sees. `everything`. `customers`: no bot messages. `handoff`: nothing "
            "until a person is needed, then everything said before as well. `alerts`: the card only."
        ),
        "batch": "How long a bot's message waits for more of them, so that they go out in one post.",
        "new_thread_after": (
            "After a silence this long, a chat continues in a new thread that links back. Empty: never."
        ),
        "facts": (
            "What a card tells about the customer: `email`, `phone`, `page`, `locale`, `metadata.<key>`. At most "
            "ten. Nothing else leaves Kommunicate but the name."
        ),
        "redact": (
            "Details to hide in Slack: `payment_card`, `iban`, `email`, `phone`, `secret`, or a pattern of your own "
            "as `{name: ..., pattern: ...}` in RE2 syntax."
        ),
        "closing_words": 'More words that ask for nothing, in addition to "thanks", "bye" and the like.',
        "broadcast": (
            "`unclaimed`: a message in a chat nobody is handling is also shown in the channel. `never`: it is not."
        ),
        "delivery": (
            "How fast, how long and how often the relay calls Slack. Made for Slack's limits; few teams touch it."
        ),
        "retention": (
            "How long messages are kept after their arrival, and customers' names after their last use. "
            "Undelivered messages are kept."
        ),
    },
    schema.Alerts: {
        "lag": "How long a message may wait for Slack before people are alerted, or `never`.",
        "channel": ("Where the relay posts alerts, each once. Empty: `default_channel`."),
    },
    schema.Kommunicate: {
        "accounts": "More accounts, by name. Each has a webhook of its own: `/kommunicate/<name>/webhook`.",
        "dashboard_url": "Where links to Kommunicate lead. Other regions have another address.",
        "bots": "User ids of your bots. Their messages are shown small.",
        "agents": "User ids of your agents, normally e-mail addresses.",
        "sender": "The Kommunicate user who replies for agents Kommunicate does not know, with their name in front.",
        "file_hosts": (
            "More hosts your customers' files may come from: `files.example.com`, `*.example.com`, with a port, or "
            "`host/first-part-of-the-path`. Always over https."
        ),
    },
    schema.Replies: {
        "mode": (
            "What reaches the customer. `all`: every reply. `marked`: only what begins with `>>`, or is sent with "
            "the *Send to customer* shortcut. `none`: nothing."
        ),
        "undo_seconds": "How long a reply can still be edited or deleted before it is sent.",
        "note_prefixes": "A message that begins with one of these stays internal.",
        "ask": "Whether the author is asked, privately, before something that looks like a note is sent.",
        "agents": "Who may reply. `anyone`, or `known_only`: people in `map`, or known to Kommunicate by their e-mail.",
        "guests": "Whether Slack guests may reply and use the card.",
        "other_workspaces": "Whether people from other workspaces may, in a channel shared with them.",
        "map": "Slack user id and the Kommunicate agent it stands for, where the e-mail addresses differ.",
        "give_up_after": "How long a reply is tried before its author is told that it was not sent.",
    },
    schema.Remind: {
        "after": (
            "A customer who has waited this long is mentioned in the thread, again after twice as long, four times "
            "as long, and so on. `never` switches it off."
        ),
        "mention": (
            "Who is notified when nobody has the chat: a user's or user group's id, `here` or `channel`. Empty or "
            "`nobody`: the reminder is shown in the channel as well."
        ),
        "hours": (
            "Only these hours count, such as `Mon-Fri 09:00-18:00 Europe/Berlin`. Empty or `always`: all hours count."
        ),
        "stale": ("A chat whose agent keeps the customer waiting this long is released, in Slack. Empty: never."),
    },
    schema.DeliveryConfig: {
        "posts_per_second": (
            "Posts per channel. Slack allows about one. The relay stays 5 % below this, and 20 % below it for ten "
            "minutes after Slack has refused one."
        ),
        "burst": "How many posts may go out at once after a pause.",
        "call_deadline": "The longest a single call to Slack may take.",
        "lease": "After this, another worker takes over from one that stopped. At least twice `call_deadline`.",
        "confirm_after": "When to look for a post that Slack did not confirm.",
        "retry": "The delays between attempts. The last one repeats.",
        "give_up_after": (
            "After this, a message becomes a dead letter. Time spent waiting for Slack's limit or for a person does "
            "not count."
        ),
    },
    schema.Route: {
        "name": "The route's name, in logs and in `relay route`. Must be unique.",
        "when": "The conditions for the chat; all must be true.",
        "channel": "The channel such chats go to.",
        "replies": "`replies.mode` for these chats.",
        "remind": "Any of the `remind` keys for these chats.",
        "attachments": "`attachments` for these chats.",
        "files_back": "`files_back` for these chats.",
        "show": "`show` for these chats.",
        "batch": "`batch` for these chats.",
        "notify": "Who is notified of a new chat: a user's or user group's id, `here` or `channel`.",
        "follow": (
            "A later message from the customer that this route would take moves the chat here. Each thread links to "
            "the other."
        ),
        "facts": "`facts` for these chats.",
        "redact": "`redact` for these chats.",
    },
    schema.RouteReplies: {
        "mode": "`replies.mode` for the route's chats.",
    },
    schema.RouteRemind: {
        "after": "`remind.after` for the route's chats. `never` undoes what is set for all.",
        "mention": "`remind.mention` for the route's chats. `nobody` undoes what is set for all.",
        "hours": "`remind.hours` for the route's chats. `always` undoes what is set for all.",
        "stale": "`remind.stale` for the route's chats. `never` undoes what is set for all.",
    },
    schema.RouteTest: {
        "account": "The account the message comes from, where there are several.",
        "name": "What the test is called when it fails.",
        "body": (
            'The parts of a webhook body that matter. The rest is a customer\'s "Hello" on a Wednesday at noon, UTC.'
        ),
        "at": "When the message arrives, such as `2026-11-28 23:00 Europe/Berlin`.",
        "channel": "The channel it must go to, or `none`.",
        "route": "The route that must take it. Either this or `channel`.",
    },
    schema.SavedReply: {
        "text": "The text. A text-only reply needs no block.",
        "buttons": "Links to show below the text: label and https address.",
        "suggestions": "Answers for the customer to choose from.",
        "picture": "The https address of a picture to show. One of buttons, suggestions and picture.",
    },
    redactions.Redaction: {
        "name": "A built-in detail, or the label shown in place of what your pattern finds.",
        "pattern": "A pattern in RE2 syntax. Without one, `name` must be a built-in detail.",
    },
    schema.Slack: {
        "workspaces": "More workspaces, by name. A channel there is `name/C0123ABCD`, a person `name/U0123ABCD`.",
    },
    accounts.Account: {
        "sender": "`kommunicate.sender` for this account.",
        "agents": "`kommunicate.agents` for this account.",
        "bots": "`kommunicate.bots` for this account.",
        "dashboard_url": "`kommunicate.dashboard_url` for this account.",
        "default_channel": "`default_channel` for this account.",
        "api_url": "The name of the variable with its API address, for another region.",
        "api_key": "The name of the variable that holds its API key. Without one the account is read only.",
        "webhook_token": "The name of the variable that holds the account's webhook token.",
    },
    accounts.Workspace: {
        "api_url": "The name of the variable that holds the address of its API, for tests.",
        "app_token": "The name of the variable that holds its app-level token, for Socket Mode. Workspaces that share "
        "an app have the same token.",
        "signing_secret": "The name of the variable that holds its signing secret. With neither it nor `app_token` "
        "nobody can reply there.",
        "bot_token": "The name of the variable that holds the workspace's bot token.",
    },
}
