"""What a function's process says of itself: the lines it writes and the memory it takes."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LINE_BYTES = 256 * 1024  # CloudWatch's limit of one event
READ_BYTES = 64 * 1024
LINGER_S = 0.5  # for the rest of the pipe, when something the function started holds it open
# Lambda's client ends the lines of one traceback with CR, so that it stays one event.
_LINE_END = re.compile(rb"\r\n|\n|\r")


async def read(process: asyncio.subprocess.Process, line: Callable[[str], None]) -> None:
    """Hands on every line until the process has ended and its pipe is empty."""
    reading = asyncio.create_task(_lines(process, line))
    try:
        await process.wait()
        await asyncio.wait({reading}, timeout=LINGER_S)
    finally:
        reading.cancel()
        await asyncio.wait({reading})


async def _lines(process: asyncio.subprocess.Process, line: Callable[[str], None]) -> None:
    if process.stdout is None:
        raise RuntimeError("the process has no pipe")
    rest = b""
    while chunk := await process.stdout.read(READ_BYTES):
        *whole, rest = _LINE_END.split(rest + chunk)
        if len(rest) > LINE_BYTES:
            whole, rest = [*whole, rest], b""
        for text in whole:
            line(_text(text))
    if rest:
        line(_text(rest))


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").replace("\u00a0", " ")


def peak_memory_mb(pid: int) -> int | None:
    """The most memory the process has had resident so far, where the system says."""
    figure = _status(pid, "VmHWM")
    return None if figure is None else figure // 1024


def resident_bytes(pid: int) -> int | None:
    """The memory the process has resident now, where the system says."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except (OSError, IndexError):
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _status(pid: int, name: str) -> int | None:
    """A figure in kB of /proc/PID/status."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    found = re.search(rf"^{name}:\s+(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) if found else None
