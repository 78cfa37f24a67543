"""One browser tab in a story."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from cj.domain.frames import parse_frame
from cj.domain.replies import encode
from cj.errors import CJError

from tests.stories.shown import Shown

if TYPE_CHECKING:
    from cj.domain.replies import Reply
    from cj.parts import App

    from tests.stories.world import World


@dataclass
class Tab:
    """One browser tab, on a process that serves its frames."""

    world: World
    parts: App
    name: str
    token_hash: str
    cid: UUID = field(default_factory=uuid4)
    said: dict[str, str] = field(default_factory=dict)

    async def send(self, kind: str, **members: object) -> Reply:
        """A frame, as ws_message takes it; gives the frame that names it."""
        frame_id = str(members.pop("id", None) or uuid4())
        body = encode({"type": kind, "id": frame_id, **_plain(members)}).decode()
        frame = parse_frame(body)
        self.said[frame_id] = str(members.get("text", ""))
        try:
            caller = await self.parts.door.caller(self.name)
            await self.parts.chat.receive(caller, frame)
        except CJError as error:
            told = {"type": "error", "re": frame_id, "code": error.code}
            self.frames.append({**told, "retryable": error.retryable})
        answers = [frame for frame in self.frames if frame.get("re") == frame_id]
        return answers[-1]

    async def start(self, cid: UUID | None = None, **members: object) -> Reply:
        return await self.send("start", **({"cid": cid} if cid else {}), **members)

    async def say(self, text: str = "Hello", **members: object) -> Reply:
        return await self.send("message", cid=self.cid, text=text, **members)

    async def resume(self, after_seq: int, **members: object) -> Reply:
        return await self.send("resume", cid=self.cid, after_seq=after_seq, **members)

    @property
    def frames(self) -> list[Reply]:
        return self.world.browsers.frames.setdefault(self.name, [])

    def told(self, kind: str) -> list[Reply]:
        """The frames of one kind, in the order they came."""
        return [frame for frame in self.frames if frame["type"] == kind]

    async def hears(self, kind: str, count: int = 1) -> Reply:
        """Waits for so many frames of a kind; gives the last of them."""
        async with asyncio.timeout(20):
            while len(self.told(kind)) < count:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.005)
        return self.told(kind)[count - 1]

    def heard(self) -> dict[str, object]:
        """What a page that resumes says of the text it has."""
        last = self.told("delta")[-1]
        return {"turn": last["turn"], "gen": last["gen"], "i": last["i"] + 1}

    def transcript(self) -> list[tuple[int, str]]:
        """What a page shows: rows by seq, streamed text and own words in the places they got."""
        shown = Shown()
        for frame in self.frames:
            shown.hear(frame, self.said)
        return sorted(shown.rows.items())


def _plain(members: dict[str, object]) -> dict[str, object]:
    return {k: str(v) if isinstance(v, UUID) else v for k, v in members.items()}
