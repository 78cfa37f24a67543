"""A page's side of the protocol: keeps what it said until it is saved, asks for what it missed.

Pure: frames and the time go in, frames to send come out. It does what the promises ask of a
client, writes down what it was told (`record`), and never trusts the wire.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.chaos.history import Frame, Record, Saying
from tests.chaos.live import Live, heard
from tests.chaos.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable

_NEVER = float("inf")


@dataclass(frozen=True)
class Pace:
    """When a page asks again. A chaos run shortens the silence together with the lease."""

    ack_s: float = 10.0
    unsaved_s: float = 5.0
    silence_s: float = 15.0
    hole_s: float = 0.5
    retry_s: float = 2.0


class Page:
    """One tab on one conversation, from its first message on. Another tab gives its `cid`."""

    def __init__(
        self, record: Record, pace: Pace, new_id: Callable[[], str], cid: str | None = None
    ) -> None:
        self.record, self.pace, self.new_id, self.cid = record, pace, new_id, cid
        self.transcript = Transcript(record.transcript)
        self.outbox: list[Saying] = []
        self.live: Live | None = None
        self.over: set[str] = set()
        self.unsaved: dict[str, Frame] = {}  # not ours, or CJ's: shown, and not in PostgreSQL yet
        self.joined = False  # this connection looks at the conversation
        self.degraded: list[str] = []
        self._asked = ""  # the frame whose ready or sync is waited for
        self._ask_at = _NEVER
        self._hole_at = _NEVER
        self._heard_at = self._connected_at = 0.0

    # what happens to it

    def connected(self, now: float) -> Frame:
        """A new connection: what is sent first, since the server does not know it yet."""
        self.record.connects += 1
        self.joined, self._connected_at = False, now
        return self._ask(now)

    def say(self, text: str, now: float) -> Saying:
        """Somebody pressed enter."""
        said = Saying(self.new_id(), text, now)
        self.record.said.append(said)
        self.outbox.append(said)
        self._heard_at = now
        return said

    def hear(self, frame: Frame, now: float) -> None:
        """A frame came in, of whatever kind."""
        kind = frame.get("type")
        if kind in ("ready", "error") or kind is None:
            pass
        elif frame.get("cid") not in (None, self.cid):
            self.record.troubles.append(("foreign", f"a {kind} of another conversation"))
            return
        self._heard_at = now
        react = {
            "ready": self._on_page,
            "sync": self._on_page,
            "ack": self._on_ack,
            "committed": self._on_committed,
            "message": self._on_message,
            "delta": self._on_delta,
            "done": self._on_done,
            "error": self._on_error,
            None: self._on_error,  # API Gateway's own
        }.get(kind)
        if react is not None:
            react(frame, now)
        self._watch_hole(now)

    def due(self, now: float) -> list[Frame]:
        """What has to be sent by now."""
        asks = [self._ask(now)] if now >= self.asks_at else []
        due = [said for said in self.outbox if self.joined and said.due <= now]
        return asks + [self._offer(said, now) for said in due]

    @property
    def asks_at(self) -> float:
        """When it asks again what it missed."""
        hole_or_silence = min(self._hole_at, self._silence_ends())
        return min(self._ask_at, hole_or_silence) if self.joined else self._ask_at

    @property
    def settled(self) -> bool:
        """Everything said is saved and answered, and nothing is missing here."""
        return not (self.outbox or self.unsaved or self.awaiting or self.transcript.has_hole)

    @property
    def awaiting(self) -> bool:
        """CJ is at work on an answer, as far as is known here."""
        return self.live is not None or self.transcript.awaits_answer

    # what it sends

    def _ask(self, now: float) -> Frame:
        """What did I miss: `resume` where there is something to go on from, else `start`."""
        self._asked, self._ask_at, self._hole_at = self.new_id(), now + self.pace.ack_s, _NEVER
        self._heard_at = now
        live, frame = (
            self.live,
            {"v": 1, "id": self._asked, "after_seq": self.transcript.held_through},
        )
        if live is not None and self.cid is not None:
            self.record.resumes += 1
            at = {"turn": live.turn, "gen": live.gen, "i": live.next}
            return {**frame, "type": "resume", "cid": self.cid, **at}
        return {**frame, "type": "start", **({"cid": self.cid} if self.cid else {})}

    def _offer(self, said: Saying, now: float) -> Frame:
        """`prev` only while the one before it is not known to be saved."""
        said.sent_at = now if said.sent_at is None else said.sent_at
        accepted = said.accepted_at is not None
        said.due = now + (self.pace.unsaved_s if accepted else self.pace.ack_s)
        before = self.outbox[: self.outbox.index(said)]
        prev = {"prev": before[-1].client_id} if before else {}
        frame = {"v": 1, "type": "message", "id": said.client_id, "cid": self.cid, **prev}
        return {**frame, "text": said.text}

    def _silence_ends(self) -> float:
        if self.unsaved or self.awaiting:
            return self._heard_at + (self.pace.silence_s if self.awaiting else self.pace.unsaved_s)
        return _NEVER

    # what it makes of what it hears

    def _on_page(self, frame: Frame, now: float) -> None:
        if self.cid is None:
            self.cid = self.record.cid = frame["cid"]
        if frame["cid"] != self.cid:
            self.record.troubles.append(("foreign", "ready for another conversation"))
            return
        if frame.get("re") == self._asked:
            if not self.joined:
                self.record.caught_up_s.append(now - self._connected_at)
            self.joined, self._ask_at = True, _NEVER
        self.degraded = frame.get("degraded", self.degraded)
        for message in frame["messages"]:
            self._row(message, frame["type"], now)
        self.transcript.hear_of(frame["last_seq"])
        self.unsaved = {}
        for message in frame["unsaved"]:
            self._not_saved(message)
        self._on_running(frame.get("turn"), recovered=frame.get("recovered", True))
        if frame["more"]:
            self._ask_at = now

    def _on_running(self, turn: Frame | None, *, recovered: bool) -> None:
        if turn is None or turn["id"] in self.over:
            self.live = None
        elif (live := heard(self.live, turn["id"], turn["gen"])) is not None:
            self.live = live
            live.catch_up(turn["from"], turn["i"], turn["text"])
            if not recovered:
                self.live.torn = True

    def _on_ack(self, frame: Frame, now: float) -> None:
        said = self._mine(frame["re"])
        if said is None:
            return
        said.message_id = frame["message_id"]
        said.acked_at = now if said.acked_at is None else said.acked_at
        if frame["durable"]:
            self._saved(said, frame["seq"], now)
            self._row(said.as_row(), "ack", now)
        else:
            said.accepted_at = now if said.accepted_at is None else said.accepted_at
            said.due = now + self.pace.unsaved_s

    def _on_committed(self, frame: Frame, now: float) -> None:
        said = self._mine(frame.get("client_id")) or self._mine(frame["message_id"])
        seq, kept = frame["seq"], not frame.get("replaced")
        waiting = self.unsaved.pop(frame["message_id"], None)
        if seq is None:
            return
        if kept:
            self.record.claim(seq, frame["message_id"], "committed")
        if said is not None:
            said.message_id = frame["message_id"] if kept else None
            self._saved(said, seq, now)
        if kept and said is not None:
            self._row(said.as_row(), "committed", now)
        elif kept and waiting is not None and "text" in waiting:
            self._row({**waiting, "seq": seq}, "committed", now)
        self.transcript.hear_of(seq)

    def _on_message(self, frame: Frame, now: float) -> None:
        message = frame["message"]
        if frame["seq"] is None:
            self._not_saved(message)
        else:
            self._row({**message, "seq": frame["seq"]}, "message", now)

    def _on_delta(self, frame: Frame, now: float) -> None:
        turn, gen, i = frame["turn"], frame["gen"], frame["i"]
        self.record.chunk(turn, gen, i, frame["text"])
        if turn not in self.over and (live := heard(self.live, turn, gen)) is not None:
            self.live = live
            live.hear(i, frame["text"])

    def _on_done(self, frame: Frame, now: float) -> None:
        """The streamed text becomes the answer if it is whole; if not, it is asked for."""
        turn, seq, live = frame["turn"], frame["seq"], self.live
        if frame["durable"]:
            self.record.ends.setdefault(turn, set()).add(frame["message_id"])
            self.record.claim(seq, frame["message_id"], "done")
        if turn in self.over:
            return
        self.over.add(turn)
        whole = {"text": live.text} if live is not None and live.is_whole(frame) else {}
        row = {"id": frame["message_id"], "role": "assistant", "status": frame["status"], **whole}
        for name in ("answers_from", "answers_through", "answers"):
            row |= {name: frame[name]} if name in frame else {}
        if live is not None and live.turn == turn:
            self.live = None
        if seq is None:
            self.unsaved[frame["message_id"]] = row
        elif whole:
            self._row({**row, "seq": seq}, "done", now)
        else:
            self.transcript.hear_of(seq)

    def _on_error(self, frame: Frame, now: float) -> None:
        """An answer to one frame, or to nobody knows which: then everything is sent again."""
        wait = frame["retry_ms"] / 1000 if "retry_ms" in frame else self.pace.retry_s
        retryable = frame.get("retryable", True)
        said = self._mine(frame.get("re"))
        if said is not None and not retryable:
            said.refused = frame["code"]
            self.outbox.remove(said)
        elif said is not None:
            said.due = now + wait
        elif frame.get("re") == self._asked:
            self._ask_at = now + wait
        elif "re" not in frame:
            for one in self.outbox:
                one.due = min(one.due, now + wait)
            self._ask_at = min(self._ask_at, now + wait)

    # what it holds

    def _mine(self, name: str | None) -> Saying | None:
        named = (said for said in self.outbox if name in (said.client_id, said.message_id))
        return next(named, None) if name else None

    def _saved(self, said: Saying, seq: int, now: float) -> None:
        said.seq, said.durable_at = seq, now
        self.outbox.remove(said)
        if said.message_id is not None:
            self.record.claim(seq, said.message_id, "ack")

    def _not_saved(self, message: Frame) -> None:
        """A message of the buffer's: our own are in the outbox already."""
        if self._mine(message.get("client_id")) is None:
            self.unsaved[message["id"]] = message

    def _row(self, row: Frame, source: str, now: float) -> None:
        self.record.claim(row["seq"], row["id"], source)
        self.unsaved.pop(row["id"], None)
        self.transcript.add(row, from_server=source in ("ready", "sync", "message"))
        if row["role"] == "assistant":
            self._end(row.get("turn"))
        elif (said := self._mine(row.get("client_id"))) is not None:
            said.message_id = row["id"]
            self._saved(said, row["seq"], now)

    def _end(self, turn: str | None) -> None:
        """The row of an answer says that its turn is over, whatever was heard of it."""
        if turn is not None:
            self.over.add(turn)
            if self.live is not None and self.live.turn == turn:
                self.live = None

    def _watch_hole(self, now: float) -> None:
        """Frames of two senders may overtake each other: a young hole may close by itself."""
        if not self.transcript.has_hole:
            self._hole_at = _NEVER
        elif self._hole_at == _NEVER and self._ask_at == _NEVER:
            self._hole_at = now + self.pace.hole_s
