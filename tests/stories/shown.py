"""What a page makes of the frames it hears."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cj.domain.replies import Reply


class Shown:
    """A page as simple as can be: the last word on a seq counts."""

    def __init__(self) -> None:
        self.rows: dict[int, str] = {}
        self.unsaved: dict[str, str] = {}
        self.pieces: dict[tuple[str, int], dict[int, str]] = {}

    def hear(self, frame: Reply, said: dict[str, str]) -> None:
        match frame["type"]:
            case "ready" | "sync":
                self.rows |= {m["seq"]: m["text"] for m in frame["messages"]}
                self._replay(frame.get("turn"))
            case "message":
                self._place(frame["message"]["id"], frame["seq"], frame["message"]["text"])
            case "ack" if frame["message_id"] is not None:
                self._place(frame["message_id"], frame["seq"], said[frame["re"]])
            case "delta":
                pieces = self.pieces.setdefault((frame["turn"], frame["gen"]), {})
                pieces[frame["i"]] = frame["text"]
            case "done":
                pieces = self.pieces.get((frame["turn"], frame["gen"]), {})
                if set(range(frame["n"])) <= pieces.keys():
                    text = "".join(text for _, text in sorted(pieces.items()))
                    self._place(frame["message_id"], frame["seq"], text)
            case "committed" if not frame.get("replaced"):
                if text := self.unsaved.get(frame["message_id"]):
                    self.rows[frame["seq"]] = text

    def _place(self, message_id: str, seq: int | None, text: str) -> None:
        if seq is None:
            self.unsaved[message_id] = text
        else:
            self.rows[seq] = text

    def _replay(self, turn: Reply | None) -> None:
        """The text before `i` stands for its chunks: it is kept at its first index."""
        if turn is not None and turn["i"] > turn["from"]:
            pieces = self.pieces.setdefault((turn["id"], turn["gen"]), {})
            for i in range(turn["from"], turn["i"]):
                pieces[i] = turn["text"] if i == turn["from"] else ""
