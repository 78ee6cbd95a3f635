"""One call to Slack's Web API: sent at most once, answered within the deadline, with our errors for everything."""

from __future__ import annotations

import ipaddress
import logging
import re
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import BaseHandler, HTTPErrorProcessor, HTTPHandler, ProxyHandler, Request, build_opener

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from relay.errors import DeliveryFailed, SettingsError, Transient, Unsure
from relay.failpoints import failpoint
from relay.slack.errors import classify

_TOKEN = re.compile(r"[!-~]+", re.ASCII)
_NEVER_SENT = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)


class Web:
    """Calls methods of Slack's Web API. Threads may share one."""

    def __init__(self, token: str, base_url: str, *, deadline: float) -> None:
        """`deadline` is in seconds and holds for a call as a whole."""
        if not _TOKEN.fullmatch(token):
            # Checked here because http.client would quote the token in its error.
            raise SettingsError("SLACK_BOT_TOKEN is empty or holds characters that no token has")
        self._sdk = _OneRequest(token, base_url, patience=deadline)
        self._deadline = deadline

    def write(self, method: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Calls a method that changes something and returns Slack's answer; raises `DeliveryFailed`."""
        return self._call(method, lambda: self._sdk.api_call(method, json=dict(arguments)))

    def read(self, method: str, arguments: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Calls a method that changes nothing; these take no JSON."""
        return self._call(method, lambda: self._sdk.api_call(method, params=dict(arguments or {})))

    def _call(self, method: str, request: Callable[[], SlackResponse]) -> Mapping[str, Any]:
        answer = self._within_deadline(request)
        # Raised out here, not while handling the SDK's errors: those quote bodies, and would come along.
        if isinstance(answer, Exception):
            raise _broken(answer, method)
        body = answer.data if isinstance(answer.data, dict) else None
        failure = classify(answer.status_code, body, answer.headers, method)
        if failure is not None or body is None:
            raise failure or unreadable(method)
        return body

    def _within_deadline(self, request: Callable[[], SlackResponse]) -> SlackResponse | Exception:
        # The SDK's timeout is per read: a server that drips a byte now and then holds the call for ever. The
        # thread is left to its fate then, and is a daemon so that it cannot keep the process from ending.
        answers: list[SlackResponse | Exception] = []
        thread = threading.Thread(target=lambda: answers.append(_attempt(request)), daemon=True)
        thread.start()
        thread.join(self._deadline)
        return answers[0] if answers else TimeoutError()


def _attempt(request: Callable[[], SlackResponse]) -> SlackResponse | Exception:
    try:
        return request()
    except SlackApiError as error:
        return error.response if isinstance(error.response, SlackResponse) else error
    except Exception as error:  # noqa: BLE001 - handed to the thread that waits
        return error


def unreadable(method: str) -> Unsure:
    """The error for an answer that says ok and lacks what it should hold."""
    return Unsure(f"Slack's answer to {method} lacks what it should hold", code="incomplete")


def _broken(error: Exception, method: str) -> DeliveryFailed:
    reason = error.reason if isinstance(error, URLError) else error
    kind = type(reason).__name__
    if isinstance(error, URLError) and isinstance(reason, _NEVER_SENT):
        return Transient(f"Slack cannot be reached for {method}: {kind}", code="unreachable")
    if isinstance(reason, TimeoutError):
        return Unsure(f"Slack did not answer {method} in time", code="deadline")
    return Unsure(f"the connection was lost during {method}: {kind}", code="connection_lost")


class _OneRequest(WebClient):
    """slack_sdk's client without its retries, its redirects and its log.

    Its default resends a write when the connection drops, follows a redirect with the token in hand,
    and logs pieces of bodies.
    """

    def __init__(self, token: str, base_url: str, *, patience: float) -> None:
        silent = logging.Logger("slack_sdk, unheard", logging.CRITICAL + 1)
        super().__init__(token, base_url, retry_handlers=[], logger=silent)
        self.proxy = None  # the SDK ignores NO_PROXY; urllib, below, minds it
        self._patience = patience
        self._opener = build_opener(*_handlers(base_url))

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        with self._opener.open(req, timeout=self._patience) as response:
            charset = response.headers.get_content_charset() or "utf-8"
            body = response.read().decode(charset)
            return {"status": response.status, "headers": response.headers, "body": body}


class _AsItCame(HTTPErrorProcessor):
    """Hands over every response, whatever its status: nothing is followed, nothing is raised."""

    def http_response(self, request: Request, response: HTTPResponse) -> HTTPResponse:
        return response

    https_response = http_response


class _Plain(HTTPHandler):
    """Calls over plain HTTP, as they are in tests: a process may die between question and answer."""

    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_Mortal, req)


class _Mortal(HTTPConnection):
    def getresponse(self) -> HTTPResponse:
        failpoint("slack.sent")
        return super().getresponse()


def _handlers(base_url: str) -> list[BaseHandler]:
    no_proxy = [ProxyHandler({})] if _is_this_machine(urlsplit(base_url).hostname or "") else []
    return [_AsItCame(), _Plain(), *no_proxy]


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
