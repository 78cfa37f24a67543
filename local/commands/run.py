"""`cj run`: everything on one port, until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import platform
import signal
import sys
import time
from importlib.metadata import version
from typing import TYPE_CHECKING

from local.printer import Printer
from local.run import Plan, serve

if TYPE_CHECKING:
    from argparse import Namespace

_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_AT_ONCE = 130
_SAME_S = 0.5  # a program around us may pass on the Ctrl-C that the terminal sent us already


def main(given: Namespace) -> int:
    """0 when it was told to end, by Ctrl-C or a signal. A second one ends it at once."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    printer = Printer.for_terminal(sys.stdout, verbose=given.verbose)
    plan = Plan(
        given.template,
        given.data_dir,
        given.port,
        reload=not given.no_reload,
        warm=not given.no_warm,
    )
    printer.say(f"CJ {version('cj')} on Python {platform.python_version()}", "bold")
    printer.say(f"  data in {plan.data_dir}", "dim")
    asyncio.run(_until_told(plan, printer))
    return 0


async def _until_told(plan: Plan, printer: Printer) -> None:
    serving = asyncio.ensure_future(serve(plan, printer))
    told_at: list[float] = []

    def end() -> None:
        now = time.monotonic()
        if told_at:
            if now - told_at[0] > _SAME_S:
                os._exit(_AT_ONCE)  # the kernel ends the servers and the functions with us
            return
        told_at.append(now)
        printer.say("\n  Ending. Once more ends it at once.", "dim")
        serving.cancel()

    loop = asyncio.get_running_loop()
    for number in _ENDS:
        loop.add_signal_handler(number, end)
    try:
        await serving
    except asyncio.CancelledError:
        printer.say(f"  Ended in {time.monotonic() - told_at[0]:.1f} s.", "dim")
