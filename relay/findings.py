"""What is wrong with a setup, where, and what to do: one type for every report."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

Level = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a person should know.

    `code` is stable and for scripts, `message` and `hint` are sentences, `where` is `file:line:column` (from 1) or the
    name of an environment variable. None of them ever contains a secret.
    """

    code: str
    level: Level
    message: str
    hint: str = ""
    where: str = ""

    def to_dict(self) -> dict[str, str]:
        """The finding as a JSON object."""
        return asdict(self)

    def __str__(self) -> str:
        """The finding as one line, whatever its text contains."""
        place = f"{self.where}: " if self.where else ""
        return " ".join(f"{place}{self.level} [{self.code}] {self.message} {self.hint}".split())


def errors(findings: list[Finding]) -> list[Finding]:
    """The findings that prevent something from working."""
    return [finding for finding in findings if finding.level == "error"]
