"""Node-RED with the usual flow for this job: webhook in, answered at once, and a request to Slack.

npm installs it into `build/`, once.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.harness import ROOT

_HERE = Path(__file__).parent
_INSTALLED = ROOT / "build" / "bench" / "node-red"
_PROGRAM = _INSTALLED / "node_modules" / "node-red" / "red.js"
COMMAND = ("node", str(_PROGRAM), "--userDir", ".", "--settings", "settings.js")


def missing() -> str:
    """Install it if it is not installed; returns a sentence that says why it cannot take part, or ""."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "there is no node or no npm here"
    if not _PROGRAM.exists():
        _INSTALLED.mkdir(parents=True, exist_ok=True)
        shutil.copy(_HERE / "package.json", _INSTALLED)
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=_INSTALLED, check=False)
        if done.returncode:
            return "npm could not install it"
    return ""


def prepare(folder: Path) -> None:
    """Write its flow and settings."""
    for name in ("flows.json", "settings.js"):
        shutil.copy(_HERE / name, folder)
