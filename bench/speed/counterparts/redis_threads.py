"""The thread of each conversation in Redis, for workers that share nothing else."""

from __future__ import annotations

import os

import redis

connection = redis.Redis.from_url(os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0"))


class Threads:
    """Behaves like a dictionary."""

    def get(self, group: str) -> str | None:
        """None if it has none yet."""
        found = connection.hget("threads", group)
        return found.decode() if isinstance(found, bytes) else None

    def __setitem__(self, group: str, ts: str) -> None:
        connection.hset("threads", group, ts)
