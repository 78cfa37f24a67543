"""Sending to browsers, and waking the worker: the two calls CJ makes to AWS on a message's way."""

from __future__ import annotations

import asyncio
import functools
import json
import random
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cj.domain.replies import encode
from cj.errors import ConnectionGone, PushFailed
from cj.logs import log_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from uuid import UUID

    from cj.domain.replies import Reply

log = log_of(__name__)
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Push:
    """Posts frames to connections. boto3 is loaded on the first post."""

    endpoint: str
    client: Callable[[str], Any] = field(default_factory=lambda: connections_client)
    jitter: Callable[[], float] = random.random

    async def post(self, connection_id: str, frame: Reply) -> None:
        """Returns when API Gateway has taken the frame. Raises ConnectionGone or PushFailed."""
        data = encode(frame)
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(0.1 * 2**attempt * self.jitter())
            if await asyncio.to_thread(self._post_once, connection_id, data):
                return
        raise PushFailed(connection_id)

    def _post_once(self, connection_id: str, data: bytes) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError

        client = self.client(self.endpoint)
        try:
            client.post_to_connection(ConnectionId=connection_id, Data=data)
        except client.exceptions.GoneException:
            raise ConnectionGone(connection_id) from None
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status != 429 and status < 500:
                raise PushFailed(f"{connection_id}: {status}") from None
            return False
        except BotoCoreError as error:
            log.warning("post not delivered", extra={"kind": type(error).__name__})
            return False
        return True

    async def close(self, connection_id: str) -> None:
        """Ask API Gateway to close it. Never raises: one that stays open is refused every frame."""
        if not await asyncio.to_thread(self._close_once, connection_id):
            log.warning("connection not closed", extra={"connection_id": connection_id})

    def _close_once(self, connection_id: str) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError

        client = self.client(self.endpoint)
        try:
            client.delete_connection(ConnectionId=connection_id)
        except client.exceptions.GoneException:
            return True
        except (BotoCoreError, ClientError):
            return False
        return True

    async def broadcast(self, connections: Iterable[str], frame: Reply) -> list[str]:
        """Post to all at once; gives the connections that are gone. Never raises for one."""

        async def one(connection_id: str) -> str | None:
            try:
                await self.post(connection_id, frame)
            except ConnectionGone:
                return connection_id
            except PushFailed:
                log.warning("frame not delivered", extra={"connection_id": connection_id})
            return None

        outcomes = await asyncio.gather(*(one(c) for c in connections))
        return [gone for gone in outcomes if gone is not None]


@dataclass(frozen=True, slots=True)
class Worker:
    """Starts turns: one asynchronous invoke of the turn worker, ids only."""

    function: str
    client: Callable[[], Any] = field(default_factory=lambda: lambda_client)

    async def wake(self, cid: UUID, turn: UUID, fence: int, correlation_id: str) -> None:
        """Returns when the event is queued. A repeat is harmless: the fence admits one worker.

        Never raises: a turn that no worker began is begun by whoever touches the conversation next.
        """
        ids = {"cid": str(cid), "turn": str(turn), "fence": fence}
        event = json.dumps({**ids, "correlation_id": correlation_id}).encode()
        if not await asyncio.to_thread(self._invoke, event):
            log.error("no worker was started", extra=ids)

    def _invoke(self, event: bytes) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self.client().invoke(FunctionName=self.function, InvocationType="Event", Payload=event)
        except (BotoCoreError, ClientError) as error:
            log.warning("invoke failed", extra={"kind": type(error).__name__})
            return False
        return True


_building = threading.Lock()  # boto3 builds its default session unguarded


def connections_client(endpoint: str) -> Any:
    """One client per process; the repeats are ours, so botocore makes none."""
    return _client("apigatewaymanagementapi", endpoint, 1)


def lambda_client() -> Any:
    """One client per process; AWS_ENDPOINT_URL_LAMBDA, where set, says where Lambda is."""
    return _client("lambda", None, ATTEMPTS)


def _client(service: str, endpoint: str | None, attempts: int) -> Any:
    with _building:
        return _build_client(service, endpoint, attempts)


@functools.cache
def _build_client(service: str, endpoint: str | None, attempts: int) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=1,
        read_timeout=5,
        retries={"total_max_attempts": attempts},
        max_pool_connections=16,
    )
    return boto3.client(service, endpoint_url=endpoint, config=config)  # type: ignore[call-overload]
