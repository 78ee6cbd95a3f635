"""Questions to whoever sits at the terminal; where nobody does, nothing is asked."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from relay.findings import Finding

Judge = Callable[[str], Finding | None]


class Asker:
    """Asks until an answer is good. `asks` is False where there is nobody to ask, or nobody wants to be."""

    def __init__(self, *, asks: bool) -> None:
        self.asks = asks and sys.stdin.isatty()

    def ask(self, question: str, judge: Judge, *, default: str = "", hidden: bool = False) -> str:
        """The answer; `default` where somebody just presses Enter, or nobody is asked."""
        while self.asks:
            answer: str = click.prompt(question, default=default, show_default=bool(default), hide_input=hidden)
            answer = answer.strip()
            found = judge(answer) if answer and answer != default else None
            if found is not None:
                click.echo(f"  {found.message} {found.hint}")
            if found is None or found.level != "error":
                return answer
        return default

    def agrees(self, question: str) -> bool:
        """True for a yes."""
        return self.asks and click.confirm(question)
