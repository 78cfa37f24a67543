"""What a browser may say, checked; and what it is told, built. Pure: strings in, values out."""

from __future__ import annotations

import json
import unicodedata
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from cj.errors import BadFrame

VERSION = 1
MAX_BYTES = 24 * 1024  # API Gateway itself refuses frames above 32 KB
MAX_DEPTH = 20
MAX_NUMBER = 2**31 - 1


def _canonical_uuid(value: object) -> object:
    """Only the 36-character form: UUID() also takes braces, urn: and bare hex."""
    if not isinstance(value, str) or len(value) != 36:
        raise ValueError("not a UUID")
    return value


def _clean(text: str) -> str:
    if "\0" in text:
        raise ValueError("holds a NUL character")
    return unicodedata.normalize("NFC", text)


Id = Annotated[UUID, BeforeValidator(_canonical_uuid)]
Text = Annotated[str, AfterValidator(_clean)]
Number = Annotated[int, Field(strict=True, ge=0, le=MAX_NUMBER)]


class Frame(BaseModel):
    """One frame from a browser. `id` comes back as `re`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: Id
    v: Literal[1]


class Start(Frame):
    """Open a conversation: this one, else the still empty one, else a new one."""

    type: Literal["start", "start_conversation"]
    cid: Id | None = None
    after_seq: Number | None = None
    workflow: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")] | None = None
    # Sent by older pages; who somebody is, only the session says.
    user_id: object = Field(default=None, exclude=True)
    merchant_id: object = Field(default=None, exclude=True)


class Message(Frame):
    """Say something; `prev` is the sender's message before, while that one is not durable."""

    type: Literal["message"]
    cid: Id
    text: Text
    prev: Id | None = None


class Retry(Frame):
    """Answer again: `of` a message of CJ's; with `text`, `of` an own message put differently."""

    type: Literal["retry"]
    cid: Id
    of: Id
    text: Text | None = None


class Stop(Frame):
    """Be silent: what was said so far is kept."""

    type: Literal["stop"]
    cid: Id
    turn: Id


class Resume(Frame):
    """What did I miss? The client holds `i` chunks of (turn, gen) and everything to after_seq."""

    type: Literal["resume"]
    cid: Id
    after_seq: Number
    turn: Id | None = None
    gen: Number | None = None
    i: Number | None = None


class OauthComplete(Frame):
    """A hint that a shop was connected; the cookie decides, so it is answered like start."""

    type: Literal["oauth_complete"]
    cid: Id


class Ping(Frame):
    """Keep the socket open."""

    type: Literal["ping"]


_FRAMES: dict[str, type[Frame]] = {
    "start": Start,
    "start_conversation": Start,
    "message": Message,
    "retry": Retry,
    "stop": Stop,
    "resume": Resume,
    "oauth_complete": OauthComplete,
    "ping": Ping,
}


def parse_frame(
    body: str, *, text_chars: int = 8_000, text_bytes: int = 20_000, frame_bytes: int = MAX_BYTES
) -> Frame:
    """The frame in `body`. Raises BadFrame with `unsupported`, `too_large` or `bad_request`."""
    if len(body) > frame_bytes or len(body.encode(errors="replace")) > frame_bytes:
        raise BadFrame("too_large", f"A frame holds at most {frame_bytes:,} bytes.")
    raw = _parse_object(body)
    kind = raw.get("type")
    if raw.get("v") != VERSION or isinstance(raw["v"], bool):
        raise BadFrame("unsupported", f"Only version {VERSION} of the protocol is spoken here.")
    if not isinstance(kind, str) or kind not in _FRAMES:
        raise BadFrame("unsupported", "This kind of frame is not known here.")
    try:
        frame = _FRAMES[kind].model_validate(raw)
    except ValidationError as error:
        raise BadFrame("bad_request", _first_complaint(error)) from None
    if isinstance(frame, Message | Retry) and frame.text is not None:
        _check_text(frame.text, text_chars, text_bytes)
    return frame


def _parse_object(body: str) -> dict[str, Any]:
    try:
        raw = json.loads(body, parse_constant=_refuse, object_pairs_hook=_unique)
        body.encode()  # a lone surrogate cannot be stored or sent
        json.dumps(raw, ensure_ascii=False).encode()  # nor one that was written as an escape
    except (ValueError, RecursionError):
        raise BadFrame("bad_request", "A frame is one JSON object in UTF-8.") from None
    if not isinstance(raw, dict):
        raise BadFrame("bad_request", "A frame is one JSON object.")
    if _deeper_than(raw, MAX_DEPTH):
        raise BadFrame("bad_request", f"A frame nests at most {MAX_DEPTH} levels.")
    return raw


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key twice")
    return members


def _deeper_than(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _first_complaint(error: ValidationError) -> str:
    """Names the field and nothing of its value."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"] == "extra_forbidden":  # its name is the sender's, too
        return "The frame has a field that does not belong into it."
    return f"{first['loc'][0] if first['loc'] else 'frame'}: {first['msg']}"


def _check_text(text: str, chars: int, size: int) -> None:
    if not text.strip():
        raise BadFrame("bad_request", "A message needs some text.")
    escaped = len(json.dumps(text, ensure_ascii=False).encode()) - 2
    # Escapes (control characters take six bytes) must fit into a frame too.
    if len(text) > chars or len(text.encode()) > size or escaped > size + 2_000:
        raise BadFrame("too_large", f"A message holds at most {chars:,} characters.")


def addressed(body: str) -> tuple[str | None, str | None]:
    """What an error about a frame repeats of it, however broken it is: its id and its cid."""
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        return None, None
    if not isinstance(raw, dict):
        return None, None
    return _echoable(raw.get("id")), _well_formed(raw.get("cid"))


def _echoable(client_id: object) -> str | None:
    """Any short id, so that the client finds its frame; a lone surrogate cannot be sent back."""
    short = isinstance(client_id, str) and len(client_id) <= 64 and client_id.isascii()
    return str(client_id) if short else None


def _well_formed(cid: object) -> str | None:
    try:
        return str(UUID(str(_canonical_uuid(cid))))
    except ValueError:
        return None
