"""What `cj run` prints: progress while it starts, then one line for each thing that happens."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from local.gateway.report import ChildStarted, Invoked, LogLine, Noticed, Report, Served

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_COLOURS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_LOUD = ("WARNING", "ERROR", "CRITICAL")
_OFTEN = ("PAGE", "@connections")  # a line only when they fail
_BOILERPLATE = "LAMBDA_WARNING"  # the runtime's own advice, before each error
_NORMAL_CLOSE = (1000, 1001, 1005, 1006)  # 1006: the browser is gone


def _wall_clock() -> str:
    return time.strftime("%H:%M:%S")


@dataclass(slots=True)
class Printer:
    """Writes lines at once. Whatever comes from outside reaches a terminal without control codes.

    `routed` are the functions that routes lead to: their invocations stand on the route's own line.
    """

    out: TextIO = field(default_factory=lambda: sys.stdout)
    colour: bool = False
    verbose: bool = False
    clock: Callable[[], str] = _wall_clock
    routed: frozenset[str] = frozenset()

    @classmethod
    def for_terminal(
        cls, out: TextIO, environ: Mapping[str, str] = os.environ, *, verbose: bool
    ) -> Printer:
        """Coloured on a terminal, unless NO_COLOR is set or the terminal cannot."""
        plain = environ.get("NO_COLOR") or environ.get("TERM") == "dumb"
        return cls(out, colour=out.isatty() and not plain, verbose=verbose)

    def say(self, text: str = "", style: str = "") -> None:
        """One line as it is."""
        with suppress(OSError):  # whoever read this is gone; CJ goes on
            self.out.write(f"{self._styled(text, style)}\n")
            self.out.flush()

    def step(self, what: str, outcome: str) -> None:
        """Something of the start is done."""
        self.say(f"  {what:<34} {self._styled(outcome, 'green')}")

    def warn(self, text: str) -> None:
        """Something a person should look at."""
        self.say(text, "yellow")

    def report(self, report: Report) -> None:
        """One line, or none where nobody would miss it."""
        match report:
            case Served():
                self._served(report)
            case Invoked():
                self._invoked(report)
            case LogLine():
                self._log(report)
            case ChildStarted(function, pid, duration_ms):
                if self.verbose:
                    self._line("START", f"{function} (process {pid})", "", duration_ms, "dim")
            case Noticed(text, error):
                self._line("ERROR" if error else "CJ", text, style="red" if error else "cyan")

    def _served(self, served: Served) -> None:
        failed = _failed(served)
        if served.kind in _OFTEN and not failed and not self.verbose:
            return
        target = served.target
        if served.connection_id:
            target = f"{target} {served.connection_id}"
        style = "red" if failed else ""
        self._line(served.kind, target, str(served.status), served.duration_ms, style)

    def _invoked(self, invoked: Invoked) -> None:
        if invoked.function in self.routed and not invoked.error and not self.verbose:
            return
        style, status = ("red", invoked.error) if invoked.error else ("", "ok")
        self._line("INVOKED", invoked.function, status, invoked.duration_ms, style)

    def _log(self, line: LogLine) -> None:
        level, text = _level_and_text(line.text)
        if not self.verbose and level not in _LOUD:
            return
        style = {"WARNING": "yellow", "": "dim", "INFO": "dim", "DEBUG": "dim"}.get(level, "red")
        said = line.text if self.verbose else f"{level.lower()}: {text}"
        for part in said.splitlines():
            self._line("LOG", f"{line.function}: {part}", style=style)

    def _line(
        self,
        kind: str,
        what: str,
        status: str = "",
        duration_ms: float | None = None,
        style: str = "",
    ) -> None:
        took = "" if duration_ms is None else f"{duration_ms:.0f} ms"
        when = self._styled(self.clock(), "dim")
        end = f"{status:>10} {took:>9}  " if took else ""
        self.say(f"{when} {self._styled(f'{kind:<12} {end}{_printable(what)}', style)}")

    def _styled(self, text: str, style: str) -> str:
        code = _COLOURS.get(style) if self.colour else None
        return f"\x1b[{code}m{text}\x1b[0m" if code else text


def _failed(served: Served) -> bool:
    if served.kind == "DISCONNECT":  # a close code
        return served.status not in _NORMAL_CLOSE
    return served.status >= 400


def _printable(text: str) -> str:
    """Control characters as they are written in Python: a path or a log line may hold any."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _level_and_text(text: str) -> tuple[str, str]:
    """A line's level and what it says, from JSON as functions log it or from Lambda's own form."""
    try:
        entry = json.loads(text)
    except ValueError:
        entry = None
    if isinstance(entry, dict):
        return str(entry.get("level", "")), _said(entry)
    if _BOILERPLATE in text:
        return "", text
    for level in _LOUD:
        if text.startswith(f"[{level}]"):
            return level, text.removeprefix(f"[{level}]").strip()
    return "", text


def _said(entry: dict[str, Any]) -> str:
    message = str(entry.get("message", ""))
    error = entry.get("exception_name") or entry.get("errorType")
    return f"{message} ({error})" if error else message
