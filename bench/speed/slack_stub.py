"""A Slack that answers at once and records what was posted when, in a process of its own that costs little.

    python -m bench.speed.slack_stub --port 9000 --pace 1

It is strict about nothing but the shape of requests. /control/posts returns every post's time, place and marks. A mark
is what the load puts into a message's text, "(m7001x12)": conversation 7001, number 12.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

MARK = re.compile(r"\(m(\d+)x(\d+)\)")
TEAM, USER, BOT, APP = "T0BENCH", "U0RELAY", "B0RELAY", "A0RELAY"
IDENTITY = {"team": "bench", "user": "relay", "team_id": TEAM, "user_id": USER, "bot_id": BOT, "app_id": APP}


class Slack:
    """What was posted; `pace` is the posts per second that each channel accepts, 0 for no limit."""

    def __init__(self, pace: float) -> None:
        self.pace = pace
        self.posts: list[tuple[float, str, str, str, list[tuple[int, int]]]] = []  # time, channel, thread, ts, marks
        self.messages: dict[str, dict[str, dict[str, Any]]] = {}  # by channel and ts
        self.refused = 0
        self.calls = 0
        self._seen: set[tuple[int, int]] = set()
        self._last_ts = 0
        self._last_post: dict[str, float] = {}

    def answer(self, method: str, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The HTTP status and the answer to one call."""
        self.calls += 1
        if method == "chat.postMessage":
            return self._post(given)
        known = METHODS.get(method)
        return 200, {"ok": True, **known(self, given)} if known else {"ok": False, "error": "unknown_method"}

    def _post(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        now, channel = time.monotonic(), str(given.get("channel", ""))
        if self.pace and now - self._last_post.get(channel, -1e9) < 1 / self.pace:
            self.refused += 1
            return 429, {"ok": False, "error": "ratelimited"}
        if not channel or not (given.get("text") or given.get("blocks")):
            return 200, {"ok": False, "error": "no_text" if channel else "channel_not_found"}
        self._last_post[channel] = now
        self._last_ts = max(self._last_ts + 1, int(time.time() * 1e6))
        ts = f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06}"
        thread = str(given.get("thread_ts") or "")
        message = {"type": "message", "user": USER, "bot_id": BOT, "app_id": APP, "ts": ts}
        message |= {name: given[name] for name in ("text", "blocks", "metadata", "thread_ts") if given.get(name)}
        self.messages.setdefault(channel, {})[ts] = message
        marks = marks_in(given)
        self.posts.append((now, channel, thread, ts, marks))
        if thread:
            self._seen.update(marks)
        return 200, {"ok": True, "channel": channel, "ts": ts, "message": message}

    def update(self, given: dict[str, Any]) -> dict[str, Any]:
        """chat.update."""
        channel, ts = str(given.get("channel")), str(given.get("ts"))
        self.messages.get(channel, {}).get(ts, {}).update({"text": given.get("text", "")})
        return {"channel": channel, "ts": ts, "text": given.get("text", "")}

    def delete(self, given: dict[str, Any]) -> dict[str, Any]:
        """chat.delete."""
        channel, ts = str(given.get("channel")), str(given.get("ts"))
        self.messages.get(channel, {}).pop(ts, None)
        return {"channel": channel, "ts": ts}

    def history(self, given: dict[str, Any]) -> dict[str, Any]:
        """A channel's own messages, newest first, all on one page."""
        return self._listed(given, lambda message: "thread_ts" not in message, newest_first=True)

    def replies(self, given: dict[str, Any]) -> dict[str, Any]:
        """A thread's messages including its parent, oldest first, all on one page."""
        root = str(given.get("ts"))
        return self._listed(given, lambda message: root in (message["ts"], message.get("thread_ts")))

    def _listed(self, given: dict[str, Any], wanted: Any, *, newest_first: bool = False) -> dict[str, Any]:
        oldest = str(given.get("oldest") or "0")
        root = str(given.get("ts"))
        found = [
            one
            for one in self.messages.get(str(given.get("channel")), {}).values()
            if wanted(one) and (float(one["ts"]) > float(oldest) or one["ts"] == root)
        ]
        found.sort(key=lambda one: one["ts"], reverse=newest_first)
        return {"messages": found, "has_more": False, "response_metadata": {"next_cursor": ""}}

    def control(self, path: str, asked: dict[str, list[str]]) -> Any:
        """The benchmark's requests: the counts so far, the posts from a number on, start anew."""
        if path == "/control/posts":
            return self.posts[int(asked.get("from", ["0"])[0]) :]
        if path == "/control/reset":
            self.__init__(self.pace)  # type: ignore[misc]
        return {"posts": len(self.posts), "shown": len(self._seen), "refused": self.refused, "calls": self.calls}


METHODS: dict[str, Any] = {
    "auth.test": lambda _, __: IDENTITY,
    "chat.update": Slack.update,
    "chat.delete": Slack.delete,
    "chat.postEphemeral": lambda _, __: {"message_ts": "1.000001"},
    "chat.getPermalink": lambda _, given: {"permalink": f"https://bench.slack.test/{given.get('message_ts')}"},
    "conversations.info": lambda _, given: {"channel": {"id": given.get("channel"), "name": "bench"}},
    "conversations.join": lambda _, given: {"channel": {"id": given.get("channel")}},
    "conversations.list": lambda _, __: {"channels": [], "response_metadata": {"next_cursor": ""}},
    "conversations.history": Slack.history,
    "conversations.replies": Slack.replies,
    "reactions.add": lambda _, __: {},
    "reactions.remove": lambda _, __: {},
    "users.info": lambda _, given: {"user": {"id": given.get("user"), "name": "a", "profile": {"email": "a@b.test"}}},
    "users.lookupByEmail": lambda _, __: {"user": {"id": USER, "name": "a", "profile": {}}},
}


def marks_in(given: dict[str, Any]) -> list[tuple[int, int]]:
    """The marks of a post, each once, in the order of their appearance."""
    found = MARK.findall(str(given.get("blocks") or "")) or MARK.findall(str(given.get("text") or ""))
    return [(int(group), int(number)) for group, number in dict.fromkeys(found)]


class Connection(asyncio.Protocol):
    """One kept connection: requests arrive whole or in pieces, and are answered in order."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while (end := self._rest.find(b"\r\n\r\n")) >= 0:
            head = self._rest[:end].decode("latin-1")
            length = re.search(r"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
            until = end + 4 + (int(length[1]) if length else 0)
            if len(self._rest) < until:
                return
            body, self._rest = self._rest[end + 4 : until], self._rest[until:]
            self._answer(head, body)

    def _answer(self, head: str, body: bytes) -> None:
        path = head.split(" ", 2)[1]
        address = urlsplit(path)
        if address.path.startswith("/control/"):
            status, answer = 200, self._slack.control(address.path, parse_qs(address.query))
        else:
            method = address.path.rpartition("/")[2]
            status, answer = self._slack.answer(method, given_in(head, body, address.query))
        content = json.dumps(answer).encode()
        wait = "Retry-After: 1\r\n" if status == 429 else ""
        self._transport.write(
            f"HTTP/1.1 {status} OK\r\nContent-Type: application/json; charset=utf-8\r\n{wait}"
            f"Content-Length: {len(content)}\r\n\r\n".encode()
            + content
        )


def given_in(head: str, body: bytes, query: str) -> dict[str, Any]:
    """The arguments of a call, as JSON or as a form."""
    if body[:1] == b"{":
        given = json.loads(body)
        return given if isinstance(given, dict) else {}
    return {name: values[-1] for name, values in parse_qs(body.decode() or query).items()}


async def serve(port: int, pace: float) -> None:
    """Serve until the process ends."""
    slack = Slack(pace)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(slack), "127.0.0.1", port, backlog=512)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pace", type=float, default=0.0)
    given = parser.parse_args()
    asyncio.run(serve(given.port, given.pace))


if __name__ == "__main__":
    main()
