"""Which figures the picture shows, and where figures and picture are written."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.speed.chart import Panel, draw
from bench.speed.parts import accept, loss, pace
from bench.speed.records import Record

PANELS = (
    Panel("Webhooks accepted", accept.ACCEPTS, "webhooks a second, 32 connections", "more is better"),
    Panel("Lost when killed", loss.LOST, f"answered 200 and never posted, of about {loss.KILL_AT}", "less is better"),
    Panel("Webhook to Slack, half of them", pace.arrival(20, 50), "ms at 20 a second, p50", "less is better", log=True),
    Panel("Webhook to Slack, 99 of 100", pace.arrival(20, 99), "ms at 20 a second, p99", "less is better", log=True),
    Panel("Webhook to Slack under load", pace.arrival(200, 50), "ms at 200 a second, p50", "less is better", log=True),
    Panel("Processor time of a message", pace.COST, "ms, from webhook to settled", "less is better"),
)


def machine() -> dict[str, Any]:
    """The machine that the figures were measured on."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="minutes"),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def write(folder: Path, records: Sequence[Record], promises: Sequence[Mapping[str, Any]], rounds: int) -> None:
    """Write speed.json and speed.svg."""
    folder.mkdir(parents=True, exist_ok=True)
    where = machine()
    figures = {"machine": where, "records": [one.as_json() for one in records], "promises": promises}
    (folder / "speed.json").write_text(json.dumps(figures, indent=1) + "\n")
    caption = (
        f"Medians of {rounds} rounds, lines from the lowest to the highest round; {where['cores']} cores, "
        f"a Slack that answers at once, Python {where['python']}, {where['at'][:10]}"
    )
    (folder / "speed.svg").write_text(draw(PANELS, records, caption))
