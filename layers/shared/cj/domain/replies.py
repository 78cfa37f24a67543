"""The frames a browser gets. One JSON object each, at most FRAME_BYTES encoded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FRAME_BYTES = 24 * 1024
LIVE_BYTES = 6 * 1024  # what a running turn's text may take from older messages
UNSAVED_BYTES = 6 * 1024  # and what is not saved yet

Reply = dict[str, Any]
ToolStatus = Literal["started", "ok", "error"]


class Live(NamedTuple):
    """A turn that runs, and the chunks of it that a client wants, from index `start` on."""

    turn: str
    gen: int
    start: int
    chunks: Sequence[str]


def encode(frame: Reply) -> bytes:
    """The frame as it travels."""
    return json.dumps({"v": 1, **frame}, ensure_ascii=False, separators=(",", ":")).encode()


def opening(
    frame: Reply,
    messages: Sequence[Reply],
    *,
    newest: bool,
    unsaved: Sequence[Reply] = (),
    live: Live | None = None,
) -> list[Reply]:
    """`ready` or `sync` with as much as its bytes allow, then the frames that carry the rest.

    Post them in this order. One message travels in any case, or a client would ask for it for
    ever; what does not fit of `messages` is `more`, of `unsaved` follows as `message`, and of
    the live text as `delta`.
    """
    base = {**frame, "messages": [], "more": bool(frame.get("more")), "unsaved": []}
    room = FRAME_BYTES - len(encode({**base, "more": False, **_turn(live, 0)}))
    sizes = [len(encode(message)) for message in messages]
    unsaved_sizes = [len(encode(message)) for message in unsaved]
    chunk_sizes = [len(json.dumps(c, ensure_ascii=False).encode()) for c in _chunks(live)]
    kept = min(sum(unsaved_sizes), UNSAVED_BYTES) + min(sum(chunk_sizes), LIVE_BYTES)
    taken = max(_fitting(reversed(sizes) if newest else sizes, room - kept), min(len(sizes), 1))
    first = len(messages) - taken if newest else 0
    room -= sum(sizes[first : first + taken])
    told = _fitting(unsaved_sizes, room)
    heard = _fitting(chunk_sizes, room - sum(unsaved_sizes[:told]))
    page = {
        "messages": list(messages[first : first + taken]),
        "more": base["more"] or taken < len(messages),
        "unsaved": list(unsaved[:told]),
        **_turn(live, heard),
    }
    return [
        {**base, **page},
        *(message(frame["cid"], left) for left in unsaved[told:]),
        *_deltas(frame["cid"], live, heard),
    ]


def _fitting(sizes: Iterable[int], room: int) -> int:
    """How many of the first ones fit."""
    count = 0
    for size in sizes:
        room -= size
        if room < 0:
            break
        count += 1
    return count


def _chunks(live: Live | None) -> Sequence[str]:
    return () if live is None else live.chunks


def _turn(live: Live | None, heard: int) -> Reply:
    """`i` is the index of the chunk that comes next."""
    if live is None:
        return {}
    text = "".join(live.chunks[:heard])
    i = live.start + heard
    return {"turn": {"id": live.turn, "gen": live.gen, "from": live.start, "i": i, "text": text}}


def _deltas(cid: str, live: Live | None, heard: int) -> list[Reply]:
    if live is None:
        return []
    left = enumerate(live.chunks[heard:], live.start + heard)
    return [delta(cid, live.turn, live.gen, i, text) for i, text in left]


def pong(re: str) -> Reply:
    """Still here."""
    return {"type": "pong", "re": re}


def error(
    code: str,
    message: str,
    *,
    re: str | None = None,
    cid: str | None = None,
    retryable: bool = False,
    retry_ms: int | None = None,
) -> Reply:
    """Something did not work; `message` is for a person and holds no inside."""
    told = {"code": code, "message": message, "retryable": retryable}
    return {"type": "error", **_known(re=re, cid=cid, retry_ms=retry_ms), **told}


def message(cid: str, public: Reply) -> Reply:
    """A message that this connection has not seen made; durable once it has a seq."""
    seq = public["seq"]
    return {
        "type": "message",
        "cid": cid,
        "seq": seq,
        "message": public,
        "durable": seq is not None,
    }


def committed(
    cid: str,
    message_id: str,
    seq: int | None,
    *,
    client_id: str | None = None,
    replaced: bool = False,
) -> Reply:
    """What was given with `durable: false` has its seq now; `replaced`: another row is there."""
    known = _known(client_id=client_id, replaced=replaced or None)
    return {"type": "committed", "cid": cid, "message_id": message_id, "seq": seq, **known}


def delta(cid: str, turn: str, gen: int, i: int, text: str) -> Reply:
    """The next piece of an answer."""
    return {"type": "delta", "cid": cid, "turn": turn, "gen": gen, "i": i, "text": text}


def tool(
    cid: str,
    turn: str,
    gen: int,
    *,
    call: str,
    name: str,
    status: ToolStatus,
    ms: int | None = None,
    cached: bool | None = None,
    as_of: str | None = None,
) -> Reply:
    """CJ looks something up; in order with the deltas of the same turn."""
    told = {"call": call, "name": name, "status": status}
    known = _known(ms=ms, cached=cached, as_of=as_of)
    return {"type": "tool", "cid": cid, "turn": turn, "gen": gen, **told, **known}


def state(cid: str, what: str, data: Reply) -> Reply:
    """Something about the conversation is different now."""
    return {"type": "state", "cid": cid, "what": what, "data": data}


def superseded(cid: str, first: int, by: int) -> Reply:
    """The rows from `first` up to `by`, without it, are hidden from view and never removed."""
    return state(cid, "superseded", {"from": first, "by": by})


def _known(**members: object) -> Reply:
    return {name: value for name, value in members.items() if value is not None}
