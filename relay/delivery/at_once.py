"""Calls that Slack expects within three seconds, made beside the response and never stored: losing one does no harm.

A question that was answered is removed, a form is opened. If that fails, the person is told to ask again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from relay.errors import DeliveryFailed, RelayError
from relay.messages import Agent
from relay.net.call_times import CallTimes
from relay.slack.client import SlackClient
from relay.slack.codes import TOKEN
from relay.slack.events import AsksForChats, Click
from relay.slack.home import Home, home_view
from relay.slack.hooks import answer
from relay.slack.text import escape

DEADLINE = 2.5  # seconds; Slack's trigger is valid for three
AT_ONCE = 4
NOT_SHOWN = "Something went wrong. If nothing appeared, please try again."
MOST = 50  # waiting calls; more are dropped

log = structlog.get_logger()


class AtOnce:
    """Runs each call in its own thread, a few at a time."""

    def __init__(
        self, token: str, api_url: str, times: CallTimes | None = None, *, workspace: str = "", variable: str = TOKEN
    ) -> None:
        """`variable` names the environment variable with the token of the `workspace`."""
        self._slack = SlackClient(
            token, api_url, deadline=DEADLINE, times=times, workspace=workspace, variable=variable
        )
        self._api_url = api_url
        self._threads = ThreadPoolExecutor(AT_ONCE, "at-once")
        self._room = threading.Semaphore(MOST)

    def take_away(self, response_url: str) -> None:
        """Remove the message that was clicked."""
        self.do("take_away", lambda: self._answer(response_url, {"delete_original": True}))

    def open_form(self, click: Click, view: Mapping[str, Any]) -> None:
        """Open a form for the person who clicked, or tell them that it did not open."""
        self.do("open_form", lambda: self._open_form(click, view))

    def change_form(self, view_id: str, view: Mapping[str, Any]) -> None:
        """Replace the contents of an open form."""
        self.do("change_form", lambda: self._slack.update_view(view_id, view))

    def say(self, click: Click, sentence: str) -> None:
        """Show a sentence to the person who clicked, privately; also where we cannot post."""
        self.do("say", lambda: self._say(click, sentence))

    def show_home(self, user_id: str, team: str, draw: Callable[[Agent], Mapping[str, Any]]) -> None:
        """Show the Home tab that `draw` builds to one person."""
        self.do("show_home", lambda: self._show_home(user_id, team, draw))

    def list_chats(self, asked: AsksForChats, draw: Callable[[Agent], Mapping[str, Any]]) -> None:
        """Answer a command with what `draw` builds for the person who typed it."""
        self.do("list_chats", lambda: self._list_chats(asked, draw))

    def _show_home(self, user_id: str, team: str, draw: Callable[[Agent], Mapping[str, Any]]) -> None:
        try:
            view = draw(self._who(user_id, team))
        except RelayError as error:
            _warn("show_home", error)
            view = home_view(Home((), 0, 0, barred=NOT_SHOWN.rstrip(".")))  # the last view may no longer be true
        self._slack.publish_home(user_id, view)

    def _list_chats(self, asked: AsksForChats, draw: Callable[[Agent], Mapping[str, Any]]) -> None:
        try:
            self._answer(asked.response_url, draw(self._who(asked.user_id, asked.team)))
        except RelayError as error:
            _warn("list_chats", error)
            self._answer(asked.response_url, beside(NOT_SHOWN))

    def _open_form(self, click: Click, view: Mapping[str, Any]) -> None:
        try:
            self._slack.open_view(click.trigger_id, view)
        except DeliveryFailed as error:
            _warn("open_form", error)
            self._say(click, NOT_SHOWN)

    def _say(self, click: Click, sentence: str) -> None:
        try:
            self._slack.post_ephemeral(click.channel, click.user_id, sentence, thread_ts=click.thread_ts)
        except DeliveryFailed:
            if not click.response_url:
                raise
            self._answer(click.response_url, beside(sentence))

    def _who(self, user_id: str, team: str) -> Agent:
        profile = self._slack.profile(user_id, team)
        return Agent(user_id, profile.name, profile.email, profile.standing)

    def _answer(self, response_url: str, said: Mapping[str, Any]) -> None:
        answer(response_url, said, api_url=self._api_url, deadline=DEADLINE)

    def do(self, name: str, call: Callable[[], object]) -> None:
        """Run this call soon; dropped if too many are waiting."""
        if not self._room.acquire(blocking=False):
            log.warning("at_once.too_many", call=name)
            return
        self._threads.submit(self._call, name, call).add_done_callback(lambda _: self._room.release())

    def close(self) -> None:
        """Start nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @staticmethod
    def _call(name: str, call: Callable[[], object]) -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - nobody waits for it who could tell
            _warn(name, error)


def beside(sentence: str) -> Mapping[str, Any]:
    """What shows a sentence to one person at a response URL, and leaves alone what is there."""
    return {"response_type": "ephemeral", "replace_original": False, "text": escape(sentence)}


def _warn(name: str, error: Exception) -> None:
    log.warning("at_once.failed", call=name, error=type(error).__name__, code=getattr(error, "code", ""))
