"""How API Gateway calls the function behind a route: with less patience than the function has."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from local.gateway.functions import Functions, Outcome
    from local.gateway.model import Model


class IntegrationFailed(Exception):
    """The function raised, crashed, ran into its own timeout, or answered nonsense."""


class IntegrationTimedOut(Exception):
    """API Gateway stopped waiting. The function runs on."""


class Integrations:
    """The functions of a model, as routes see them."""

    def __init__(self, model: Model, functions: Functions) -> None:
        self._model = model
        self._functions = functions
        self._tasks: set[asyncio.Task[Any]] = set()

    def serve(self, model: Model) -> None:
        """Takes the model that a reload brought."""
        self._model = model

    async def ask(self, logical_id: str, event: object, *, within_s: float) -> Any:
        """What the function answered. No timeout here and no cancelled caller stops it."""
        function = self._model.functions.get(logical_id)
        if function is None:
            raise IntegrationFailed(f"no function {logical_id}")
        payload = json.dumps(event, separators=(",", ":")).encode()
        task = self.start(self._functions.invoke(function, payload))
        done, _ = await asyncio.wait({task}, timeout=within_s)
        if not done:
            raise IntegrationTimedOut(logical_id)
        return _answer(task)

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Runs something that outlives whoever asked for it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, or asyncio complains of work nobody waits for any more

    async def finish(self, *, within_s: float) -> None:
        """Lets what is under way come to its end, for a bounded time, then stops it."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(set(self._tasks), timeout=within_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)


def _answer(task: asyncio.Task[Outcome]) -> Any:
    if task.cancelled():
        raise IntegrationFailed("the gateway is closing")
    outcome = task.result()
    if outcome.error is not None:
        raise IntegrationFailed(outcome.error)
    try:
        return json.loads(outcome.payload)
    except ValueError as error:
        raise IntegrationFailed("not JSON") from error
