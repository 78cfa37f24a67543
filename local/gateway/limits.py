"""What API Gateway and Lambda allow; tests shorten the times, benchmarks raise the counts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """AWS's own figures. A route's own timeout counts where it is the shorter one."""

    frame_bytes: int = 32 * 1024
    message_bytes: int = 128 * 1024
    idle_s: float = 600.0
    duration_s: float = 7200.0
    integration_s: float = 29.0  # a WebSocket route's answer
    http_integration_s: float = 30.0
    http_body_bytes: int = 10 * 1024 * 1024
    # What a connection may owe a slow reader before @connections answers 429. AWS names no figure.
    unread_bytes: int = 1024 * 1024
    closing_s: float = 2.0  # for a client to take what is left and the close frame
    # Messages of one connection under way at once; more wait in the client's own socket.
    messages_at_once: int = 256
    children: int = 8  # processes of one function
