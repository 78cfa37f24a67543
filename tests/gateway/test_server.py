"""The port itself."""

import asyncio
import socket

from local.gateway.server import listen


async def test_what_is_sent_is_not_held_back_for_more():
    """Nagle's algorithm and a delayed acknowledgement together cost each answer 40 ms."""
    accepted = asyncio.get_running_loop().create_future()
    with listen("127.0.0.1", 0) as listener:
        server = await asyncio.start_server(
            lambda _, writer: accepted.set_result(writer), sock=listener
        )
        async with server:
            _, client = await asyncio.open_connection(*listener.getsockname())
            writer = await accepted
            told = writer.get_extra_info("socket")
            assert told.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            client.close()
            writer.close()
