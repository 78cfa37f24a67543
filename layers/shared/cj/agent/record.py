"""What an answer's row keeps of how it was made: its blocks, and what its figures rest on."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cj.agent.model import Step, ToolStep
    from cj.agent.store import Result

VERSION = 1
RESULT_BYTES = 12 * 1024
TEXT_CHARS = 200
_ROWS = (50, 30, 20, 10, 5, 2, 0)
# Controls, invisible characters that turn or hide text, and halves of surrogate pairs: a store's
# texts are written by anybody, and some of these no row can hold.
_UNFIT = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


@dataclass(slots=True)
class Record:
    """Steps go in as they are said."""

    _blocks: list[dict[str, Any]] = field(default_factory=list)
    _text: list[str] = field(default_factory=list)
    _sources: list[dict[str, Any]] = field(default_factory=list)

    def add(self, step: Step) -> None:
        """A call comes in with its result: one that never ended was never made."""
        if isinstance(step, str):
            self._text.append(step)
        elif step.status != "started":
            self._blocks += self._said()
            self._blocks += _call(step)
            self._text = []
            if step.status == "ok":
                self._sources.append(_source(step))

    @property
    def content(self) -> dict[str, Any] | None:
        """The blocks, in the shape of the Converse API; None where the text is the only one."""
        if not self._blocks:
            return None
        return {"v": VERSION, "blocks": [*self._blocks, *self._said()]}

    @property
    def sources(self) -> list[dict[str, Any]] | None:
        """What was looked at and how old it was; None where nothing was."""
        return list(self._sources) or None

    def _said(self) -> list[dict[str, Any]]:
        text = "".join(self._text)
        return [{"text": text}] if text.strip() else []


def _call(step: ToolStep) -> list[dict[str, Any]]:
    result = {
        "toolUseId": step.call,
        "status": "success" if step.status == "ok" else "error",
        "content": [{"json": bounded(step.result or {})}],
    }
    use = {"toolUseId": step.call, "name": step.name, "input": {}}
    return [{"toolUse": use}, {"toolResult": result}]


def _source(step: ToolStep) -> dict[str, Any]:
    return {
        "tool": step.name,
        "as_of": step.as_of and step.as_of.isoformat(),
        "cached": step.cached,
        "window": (step.result or {}).get("window"),
    }


def bounded(result: Result, most_bytes: int = RESULT_BYTES) -> Result:
    """The result with texts cut and clean, and lists as long as there is room for them."""
    for rows in _ROWS:
        cut: Result = _cut(result, rows)
        if len(json.dumps(cut, ensure_ascii=False).encode()) <= most_bytes:
            return cut
    return {**{k: v for k, v in cut.items() if k != "data"}, "data": {"truncated": True}}


def _cut(value: Any, rows: int) -> Any:
    if isinstance(value, str):
        text = clean(value)
        return text if len(text) <= TEXT_CHARS else f"{text[: TEXT_CHARS - 1]}…"
    if isinstance(value, dict):
        return {key: _cut(inner, rows) for key, inner in value.items()}
    if isinstance(value, list):
        left_out = [{"truncated": True, "total": len(value)}] if len(value) > rows else []
        return [*(_cut(inner, rows) for inner in value[:rows]), *left_out]
    return value


def clean(text: str) -> str:
    """A store's text on one line, with nothing that cannot be seen."""
    return " ".join(_UNFIT.sub(" ", text).split())
