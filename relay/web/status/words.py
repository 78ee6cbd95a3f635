"""What of a conversation may be read here: what may be read in Slack, and nothing more.

The page is of no chat in particular: whatever any chat hides is hidden on all of it, in names too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from relay.conversation import Show
from relay.delivery import stored
from relay.files import Attachments
from relay.kommunicate.people import role_of
from relay.messages import ChatMessage, MessageKind, Person, Role
from relay.routing.per_route import attachments_for, every_redaction, show_for
from relay.routing.redact import Redactor, redactor
from relay.slack.card import LABELS, MORE, acted_upon
from relay.slack.events import AgentEdit, AgentWords
from relay.slack.thread_notices import BUTTONS
from relay.store.conversations.people import known_agents, known_people
from relay.store.db.engine import Tx
from relay.store.operations.browsing import Chat
from relay.store.operations.timeline import Came, Task
from relay.vocabulary import DeliveryState, Lane, Outcome, ReceivedKind, Source
from relay.wiring import Relay

GONE = "Its author took it back."
CHANGED = "It reads differently now: see what it was edited to."
NOT_SHOWN = "Not shown in Slack."
EDITED, DELETED, PRESSED, BUTTON = "Edited:", "Deleted a message.", "Pressed", "a button"
FILE_DELETED = "Deleted one of its files:"
FILE = "a file"


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that came, to be read: `note` says why there are no words, or what they are; `file` is its name.

    `team` is the Slack workspace of whoever wrote there, "" for what came from Kommunicate.
    """

    author: str
    role: Role
    text: str = ""
    note: str = ""
    file: str = ""
    team: str = ""


def _change(said: AgentWords | AgentEdit) -> str:
    return FILE_DELETED if isinstance(said, AgentEdit) and said.same_words else EDITED


class Reader:
    """Reads what is stored, by the configuration as it is now."""

    def __init__(self, relay: Relay) -> None:
        config = relay.settings.config
        self._config = config
        self._redactor: Redactor | None = redactor(every_redaction(config))

    def clean(self, text: str) -> str:
        """A text without what is hidden in some chat."""
        return text if self._redactor is None else self._redactor.clean(text)

    def read(self, tx: Tx, chat: Chat, came: Sequence[Came], tasks: Mapping[int, Sequence[Task]]) -> Mapping[int, Said]:
        """All of these, by their ids."""
        read = {one.id: self._read(one, chat, tasks.get(one.id, ())) for one in came}
        theirs = {said.author for said in read.values() if said.author and not said.team}
        people = known_people(tx, chat.account, theirs)
        agents: dict[tuple[str, str], str] = {}
        for team in {said.team for said in read.values() if said.team}:
            authors = {said.author for said in read.values() if said.team == team}
            found = known_agents(tx, team, authors, account=chat.account)
            agents |= {(team, user_id): agent.name for user_id, (agent, _) in found.items()}
        return {received_id: self._named(said, chat.account, people, agents) for received_id, said in read.items()}

    def words(self, one: Came, chat: Chat, tasks: Sequence[Task]) -> str:
        """What somebody wrote there, "" where that may not be read."""
        return self._read(one, chat, tasks).text

    def _read(self, one: Came, chat: Chat, tasks: Sequence[Task]) -> Said:
        if one.source is Source.SLACK:
            return self._of_agent(one)
        message = stored.read_message(one.body, chat.account, self._redactor)
        if isinstance(message, str):
            return Said("", Role.UNKNOWN, note=self.clean(one.reason or message))
        author, role = message.sender, self._role_of(message.sender, None, chat.account)
        if one.gone:
            return Said(author, role, note=GONE)
        if not self._is_shown(chat, tasks):
            causes = [task.cause for task in tasks if task.cause]
            return Said(author, role, note=self.clean(" ".join([NOT_SHOWN, *(causes[:1] or [one.reason])])))
        return self._of_customer(message, chat, role)

    def _is_shown(self, chat: Chat, tasks: Sequence[Task]) -> bool:
        """Whether its words stand in Slack, or are certain to as soon as they can."""
        states = {task.state for task in tasks if task.lane is Lane.WORDS}
        everything = show_for(self._config, chat.rule) is Show.EVERYTHING
        return DeliveryState.DELIVERED in states or (everything and bool(states - {DeliveryState.IGNORED}))

    def _of_customer(self, message: ChatMessage, chat: Chat, role: Role) -> Said:
        file = "" if message.attachment is None else message.attachment.name
        if file and attachments_for(self._config, chat.rule) is Attachments.NONE:
            file = FILE
        note = "Notice" if message.kind is MessageKind.NOTICE and message.spoken is None else ""
        return Said(message.sender, role, "\n".join(filter(None, (message.own_words, message.unseen))), note, file)

    def _of_agent(self, one: Came) -> Said:
        if one.kind is ReceivedKind.CLICK:
            return self._of_click(one)
        said = stored.read_said(one.body)
        author, team = (said.user_id or "", said.team) if said is not None else ("", "")
        if one.gone:
            return Said(author, Role.AGENT, note=DELETED if one.kind is ReceivedKind.EDIT else GONE, team=team)
        if one.taken_back or one.changed:
            return Said(author, Role.AGENT, note=GONE if one.taken_back else CHANGED, team=team)
        if said is None:
            return Said("", Role.AGENT, note=stored.GONE)
        note = _change(said) if one.kind is ReceivedKind.EDIT else one.reason if one.outcome is Outcome.IGNORED else ""
        files = len(said.files) if isinstance(said, AgentWords) else 0
        file = "" if not files else FILE if files == 1 else f"{files} files"
        return Said(author, Role.AGENT, stored.words_of(one.body, self._redactor), note, file, team)

    def _of_click(self, one: Came) -> Said:
        click = stored.read_click(one.body, one.key)
        if click is None:
            return Said("", Role.AGENT, note=f"{PRESSED} {BUTTON}.")
        label = (LABELS | BUTTONS).get(acted_upon(click.action_id, click.value), BUTTON).removesuffix(MORE)
        return Said(click.user_id, Role.AGENT, note=f"{PRESSED} {label}.", team=click.team)

    def _role_of(self, user_id: str, looked_up: Role | None, account: str) -> Role:
        listed = self._config.kommunicate.of(account)
        return role_of(user_id, looked_up, bots=listed.bots, agents=listed.agents)

    def _named(
        self,
        said: Said,
        account: str,
        people: Mapping[str, tuple[Person, float]],
        agents: Mapping[tuple[str, str], str],
    ) -> Said:
        """The same under the name of whoever said it, as far as somebody has looked that up."""
        if said.team:
            return replace(said, author=agents.get((said.team, said.author), said.author))
        if said.author not in people:
            return replace(said, author=self.clean(said.author))
        person = people[said.author][0]
        role = self._role_of(said.author, person.role, account)
        return replace(said, author=person.name if role.is_of_the_team else self.clean(person.name), role=role)
