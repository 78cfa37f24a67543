"""What a WebSocket client of the tests asks and hears."""

import asyncio
import json

import pytest
from websockets.exceptions import ConnectionClosed


async def closed(ws):
    """The close frame the gateway sent."""
    with pytest.raises(ConnectionClosed) as caught:
        async with asyncio.timeout(10):
            while True:
                await ws.recv()
    return caught.value.rcvd


async def ask(ws, **message):
    await ws.send(json.dumps(message))
    async with asyncio.timeout(10):
        return json.loads(await ws.recv())
