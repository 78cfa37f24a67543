"""What the gateway tells whoever started it: one value per thing worth a line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Served:
    """A request, handshake, message or end of a connection, with its status or close code."""

    kind: str  # HTTP, PAGE, CONNECT, MESSAGE, DISCONNECT, @connections
    target: str  # the path, or the route key
    status: int
    duration_ms: float
    connection_id: str | None = None


@dataclass(frozen=True, slots=True)
class Invoked:
    """One invocation of a function came to its end."""

    function: str
    request_id: str
    duration_ms: float
    error: str | None = None
    peak_memory_mb: int | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line a function wrote."""

    function: str
    request_id: str | None
    text: str


@dataclass(frozen=True, slots=True)
class ChildStarted:
    """A process for a function is ready, or ready to be asked."""

    function: str
    pid: int
    duration_ms: float


@dataclass(frozen=True, slots=True)
class Noticed:
    """Anything else worth a line, such as a reload or a function that cannot be imported."""

    text: str
    error: bool = False


Report = Served | Invoked | LogLine | ChildStarted | Noticed
