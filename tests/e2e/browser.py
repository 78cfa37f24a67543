"""A browser as the tests need it: a cookie, a socket, and everything it was told."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

import httpx
import websockets

if TYPE_CHECKING:
    from types import TracebackType

PATIENCE_S = 30


class Browser:
    """One visitor with one open socket. Another tab is another Browser with its cookie."""

    def __init__(self, url: str, cookie: str | None = None) -> None:
        self.url, self.cookie = url, cookie
        self.frames: list[dict[str, Any]] = []
        self.cid: str | None = None
        self._read = 0

    async def __aenter__(self) -> Self:
        if self.cookie is None:
            async with httpx.AsyncClient(
                base_url=self.url, trust_env=False, timeout=PATIENCE_S
            ) as http:
                reply = await http.get("/api/v1/session")
                self.cookie = f"cj_session={reply.cookies['cj_session']}"
        self.socket = await websockets.connect(
            self.url.replace("http", "ws", 1) + "/ws",
            origin=self.url,  # type: ignore[arg-type]
            additional_headers={"Cookie": self.cookie},
            compression=None,
            proxy=None,
            open_timeout=PATIENCE_S,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.socket.close()

    async def send(self, kind: str, **members: Any) -> str:
        """Send a frame; gives its id."""
        frame = {"v": 1, "id": str(uuid4()), "type": kind, **members}
        await self.socket.send(json.dumps(frame))
        return str(frame["id"])

    async def until(self, kind: str, **members: Any) -> dict[str, Any]:
        """The next frame of this kind with these members, read or still to come."""
        return await self.until_any(kind, **members)

    async def until_any(self, *kinds: str, **members: Any) -> dict[str, Any]:
        """The next frame of one of these kinds."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                while self._read < len(self.frames):
                    frame = self.frames[self._read]
                    self._read += 1
                    if frame.get("type") in kinds and members.items() <= frame.items():
                        return frame
                self.frames.append(json.loads(await self.socket.recv()))

    async def settled(self) -> list[dict[str, Any]]:
        """The conversation's rows, once CJ has answered everything."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                path = f"/api/v1/conversations/{self.cid}"
                rows: list[dict[str, Any]] = (await self.get(path, limit=100)).json()["messages"]
                if rows and rows[-1]["role"] == "assistant":
                    return rows
                await asyncio.sleep(0.1)

    async def start(self, cid: str | None = None, **members: Any) -> dict[str, Any]:
        """Open a conversation; gives `ready`."""
        given = {"cid": cid} if cid else {}
        ready = await self.until("ready", re=await self.send("start", **given, **members))
        self.cid = ready["cid"]
        return ready

    async def say(self, text: str, **members: Any) -> dict[str, Any]:
        """Say something in the open conversation; gives the ack."""
        client_id = await self.send("message", **{"cid": self.cid, "text": text, **members})
        return await self.until("ack", re=members.get("id", client_id))

    async def get(self, path: str, **params: Any) -> httpx.Response:
        """The HTTP API with this browser's cookie."""
        headers = {"Cookie": self.cookie or ""}
        async with httpx.AsyncClient(
            base_url=self.url, headers=headers, trust_env=False, timeout=PATIENCE_S
        ) as http:
            return await http.get(path, params=params)
