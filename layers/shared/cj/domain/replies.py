"""The frames a browser gets. One JSON object each, at most FRAME_BYTES encoded."""

from __future__ import annotations

import json
from typing import Any

FRAME_BYTES = 24 * 1024

Reply = dict[str, Any]


def encode(frame: Reply) -> bytes:
    """The frame as it travels."""
    return json.dumps({"v": 1, **frame}, ensure_ascii=False, separators=(",", ":")).encode()


def fit(frame: Reply, messages: list[Reply], *, newest: bool) -> Reply:
    """`frame` with as many messages as its bytes allow, and `more` if some are left.

    The newest ones to open with; the oldest ones to go on from a `seq` without a hole.
    """
    room = FRAME_BYTES - len(encode({**frame, "messages": [], "more": False}))
    taken: list[Reply] = []
    for message in reversed(messages) if newest else messages:
        room -= len(encode(message))
        if room < 0:
            break
        taken.append(message)
    if newest:
        taken.reverse()
    more = bool(frame.get("more")) or len(taken) < len(messages)
    return {**frame, "messages": taken, "more": more}


def pong(re: str) -> Reply:
    """Still here."""
    return {"type": "pong", "re": re}


def error(
    code: str,
    message: str,
    *,
    re: str | None = None,
    retryable: bool = False,
    retry_ms: int | None = None,
) -> Reply:
    """Something did not work; `message` is for a person and holds no inside."""
    known = {"re": re, "retry_ms": retry_ms}
    return {
        "type": "error",
        **{name: value for name, value in known.items() if value is not None},
        "code": code,
        "message": message,
        "retryable": retryable,
    }


def message(cid: str, public: Reply) -> Reply:
    """A message that this connection has not seen made."""
    return {"type": "message", "cid": cid, "seq": public["seq"], "message": public}


def delta(cid: str, turn: str, gen: int, i: int, text: str) -> Reply:
    """The next piece of an answer."""
    return {"type": "delta", "cid": cid, "turn": turn, "gen": gen, "i": i, "text": text}
