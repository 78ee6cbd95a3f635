"""The shape of the YAML file: every key, its default and its rule. All durations are seconds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from relay.conversation import Show
from relay.files import Attachments, FilesBack
from relay.messages import Mode
from relay.owners import ACCOUNT, owned, owner_of
from relay.settings.accounts import Accounts, Workspaces
from relay.settings.channels import Channel, ChannelOrNone
from relay.settings.conditions import When
from relay.settings.durations import Count, Duration, Rate, Wait, WaitOrNever
from relay.settings.hours import Hours, Moment
from relay.settings.redactions import Facts, Redactions
from relay.settings.section import Section
from relay.settings.texts import DashboardUrl, FileHost, Mentioned, MenuName, SlackUserId, Text, WebAddress
from relay.settings.wrong import wrong

ALERTS = "alerts.channel"
MAX_SAVED = 100  # Slack: 100 options in a menu


class RouteReplies(Section):
    """What a route sets of `replies` for its chats; None leaves it as it is for all."""

    mode: Mode | None = None


class RouteRemind(Section):
    """The same of `remind`."""

    after: WaitOrNever | None = None
    mention: Mentioned | None = None
    hours: Hours | None = None
    stale: WaitOrNever | None = None


class Route(Section):
    """Conversations for which all of `when` holds go to `channel`."""

    name: Text
    when: When
    channel: Channel
    replies: RouteReplies = RouteReplies()
    remind: RouteRemind = RouteRemind()
    attachments: Attachments | None = None
    files_back: FilesBack | None = None
    show: Show | None = None
    batch: Duration | None = None
    notify: Mentioned | None = None
    follow: bool = False
    facts: Facts | None = None
    redact: Redactions | None = None


class RouteTest(Section):
    """What a webhook's body says, and where it is to go; fields that it leaves out are as usual."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["channel"]}, {"required": ["route"]}]})

    name: Text | None = None
    body: Mapping[str, Any]
    account: Text | None = None
    at: Moment | None = None
    channel: ChannelOrNone | None = None
    route: Text | None = None

    @model_validator(mode="after")
    def _expects_one_thing(self) -> RouteTest:
        if (self.channel is None) == (self.route is None):
            hint = "Write `channel: C0123ABCD`, `channel: none`, or `route:` and the route's name."
            raise wrong("no_expectation", "A test says where its message should go: a `channel` or a `route`.", hint)
        return self


class Alerts(Section):
    """Where trouble is told, and how late messages may be until that is trouble."""

    channel: Channel | None = None
    lag: WaitOrNever = 300.0


class Kommunicate(Section):
    """The account's dashboard, and who in it is not a customer; further accounts."""

    dashboard_url: DashboardUrl = "https://dashboard.kommunicate.io"
    bots: tuple[Text, ...] = ("bot",)
    agents: tuple[Text, ...] = ()
    sender: Text = "bot"
    file_hosts: tuple[FileHost, ...] = ()
    accounts: Accounts = Field(default_factory=dict)

    def of(self, account: str) -> Kommunicate:
        """The same for one account."""
        return self._by_account.get(account, self)

    @cached_property
    def _by_account(self) -> Mapping[str, Kommunicate]:
        return {name: self.model_copy(update=dict(one.own)) for name, one in self.accounts.items()}


class Slack(Section):
    """Further workspaces."""

    workspaces: Workspaces = Field(default_factory=dict)


class Replies(Section):
    """Which of the agents' words reach the customer, and how."""

    mode: Mode = Mode.ALL
    undo_seconds: Duration = 5
    note_prefixes: tuple[Text, ...] = ("note:", "internal:", "//")
    ask: bool = True
    agents: Literal["anyone", "known_only"] = "anyone"
    guests: bool = False
    other_workspaces: bool = False
    map: Mapping[SlackUserId, Text] = Field(default_factory=dict)
    give_up_after: Wait = 15 * 60


class Remind(Section):
    """When somebody is called because a customer is waiting."""

    after: WaitOrNever = 600.0
    mention: Mentioned | None = None
    hours: Hours | None = None
    stale: WaitOrNever | None = None


class SavedReply(Section):
    """Words to send, and what is shown beside them: one of links, suggestions and a picture."""

    text: Text
    buttons: Mapping[Text, WebAddress] = Field(default_factory=dict)
    suggestions: tuple[Text, ...] = ()
    picture: WebAddress | None = None

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A block, or its text alone."""
        return {"anyOf": [{"type": "string"}, handler.resolve_ref_schema(handler(core))]}

    @model_validator(mode="before")
    @classmethod
    def _is_text_alone(cls, data: Any) -> Any:
        return {"text": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _shows_one_thing(self) -> SavedReply:
        if sum(map(bool, (self.buttons, self.suggestions, self.picture))) > 1:
            hint = "Keep one of them; Kommunicate shows only one beside the text."
            raise wrong("several_templates", "`buttons`, `suggestions` and `picture` cannot be combined.", hint)
        return self


class DeliveryConfig(Section):
    """How fast, how long and how often."""

    posts_per_second: Rate = 1
    burst: Count = 3
    call_deadline: Wait = 8
    lease: Wait = Field(default=30, validate_default=True)
    confirm_after: tuple[Wait, ...] = (2, 10)
    retry: tuple[Wait, ...] = (1, 5, 15, 60, 300, 900)
    give_up_after: Wait = 72 * 3600

    @field_validator("lease", mode="after")
    @classmethod
    def _outlasts_a_call(cls, lease: float, info: ValidationInfo) -> float:
        """Twice, because a claim holds one call at its deadline and the database's work on both sides of it."""
        deadline = info.data.get("call_deadline", 0)
        if lease >= 2 * deadline:
            return lease
        message = f"`lease` ({lease:g} s) must be at least twice `call_deadline` ({deadline:g} s)."
        hint = f"Write `lease: {2 * deadline:g}s` or more, or a second worker takes over a running call."
        raise wrong("lease_too_short", message, hint)

    @field_validator("confirm_after", mode="after")
    @classmethod
    def _ascends(cls, waits: tuple[float, ...]) -> tuple[float, ...]:
        if list(waits) != sorted(set(waits)):
            raise wrong("not_ascending", "Each delay must be longer than the one before it.", "Write `[2s, 10s]`.")
        return _not_empty(waits)

    @field_validator("retry", mode="after")
    @classmethod
    def _has_a_last_delay(cls, waits: tuple[float, ...]) -> tuple[float, ...]:
        return _not_empty(waits)


def _fits_a_menu(saved: Mapping[str, SavedReply]) -> Mapping[str, SavedReply]:
    if len(saved) > MAX_SAVED:
        raise wrong("too_many", f"There can be at most {MAX_SAVED} saved replies.", "Slack's menu holds no more.")
    return saved


SavedReplies = Annotated[Mapping[MenuName, SavedReply], AfterValidator(_fits_a_menu)]


class Config(Section):
    """The whole YAML file."""

    channels: Mapping[Text, Channel] = Field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    tests: tuple[RouteTest, ...] = ()
    default_channel: Channel | None = None
    alerts: Alerts = Alerts()
    kommunicate: Kommunicate = Kommunicate()
    slack: Slack = Slack()
    replies: Replies = Replies()
    remind: Remind = Remind()
    saved_replies: SavedReplies = Field(default_factory=dict)
    attachments: Attachments = Attachments.AUTO
    files_back: FilesBack = FilesBack.AUTO
    show: Show = Show.EVERYTHING
    batch: Duration = 0.0
    new_thread_after: Wait | None = None
    facts: Facts = ()
    redact: Redactions = ()
    closing_words: tuple[Text, ...] = ()
    broadcast: Literal["never", "unclaimed"] = "unclaimed"
    delivery: DeliveryConfig = DeliveryConfig()
    retention: Wait = 30 * 86400

    @cached_property
    def routes_by_name(self) -> Mapping[str, Route]:
        """The routes, by what they are called."""
        return {route.name: route for route in self.routes}

    def listed_channel(self, account: str, group_id: str) -> str | None:
        """The channel that `channels` gives a conversation; what is another account's has its name in front."""
        if account == ACCOUNT and owner_of(group_id) in self.kommunicate.accounts:
            return None  # it only looks like another account's
        return self.channels.get(owned(account, group_id))

    def default_channel_of(self, account: str) -> str | None:
        """Where conversations of an account go for which nothing else decides."""
        own = self.kommunicate.accounts.get(account)
        return (own and own.default_channel) or self.default_channel

    @property
    def chat_channels(self) -> tuple[str, ...]:
        """Where chats may be, each once and in the file's order: ids, and "#names"."""
        return tuple(dict.fromkeys(channel for channel, where in self.named_channels if where != ALERTS))

    @property
    def named_channels(self) -> Iterator[tuple[str, str]]:
        """Each channel that the file names, and where: a channel stands there as often as it is named."""
        accounts = self.kommunicate.accounts.items()
        named = (
            *((channel, f"channels.{group}") for group, channel in self.channels.items()),
            *((route.channel, f"routes.{route.name}") for route in self.routes),
            *((one.default_channel, f"kommunicate.accounts.{name}.default_channel") for name, one in accounts),
            (self.default_channel, "default_channel"),
            (self.alerts.channel, ALERTS),
        )
        yield from ((channel, where) for channel, where in named if channel is not None)

    @property
    def alerts_channel(self) -> str | None:
        """Where trouble is told: `alerts.channel`, else `default_channel`."""
        return self.alerts.channel or self.default_channel


def _not_empty(waits: tuple[float, ...]) -> tuple[float, ...]:
    if not waits:
        raise wrong("empty_list", "This list needs at least one duration.", "Leave the key out to get the default.")
    return waits
