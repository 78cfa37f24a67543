"""Functions of tests/gateway/lambdas, run by the gateway's own pools."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.gateway.functions import Functions
from local.gateway.model import Function, Model
from local.gateway.sigv4 import Credentials

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from local.gateway.functions import Outcome

LAMBDAS = Path(__file__).parent / "lambdas"
PATIENCE_S = 20
ARN = "arn:aws:lambda:us-east-1:123456789012:function"


async def until(found: Callable[[], Any]) -> Any:
    """What `found` returns once it is true; fails after a bounded time."""
    deadline = time.monotonic() + PATIENCE_S
    while not (result := found()):
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.005)
    return result


def a_function(logical_id: str = "Deeds", **changes: Any) -> Function:
    """One that runs lambdas/app.py, unless told otherwise."""
    name = f"{logical_id.lower()}-name"
    usual = Function(
        logical_id=logical_id,
        name=name,
        handler="app.handler",
        python_path=(LAMBDAS,),
        environment={},
        timeout_s=20,
        memory_mb=256,
        arn=f"{ARN}:{name}",
        role_arn="arn:aws:iam::123456789012:role/deeds",
    )
    return replace(usual, **changes)


def a_model(*functions: Function) -> Model:
    return Model({function.logical_id: function for function in functions})


@dataclass
class Pools:
    """Functions under test, and everything they reported."""

    functions: Functions
    function: Function
    reports: list[Any] = field(default_factory=list)

    async def invoke(self, payload: object = None, **given: Any) -> Outcome:
        body = json.dumps({} if payload is None else payload).encode()
        return await self.functions.invoke(given.pop("function", self.function), body, **given)

    async def answer(self, payload: object = None, **given: Any) -> Any:
        """What the function returned; it must not have failed."""
        outcome = await self.invoke(payload, **given)
        assert outcome.error is None, outcome.payload
        return json.loads(outcome.payload)

    async def failure(self, payload: object = None, **given: Any) -> Any:
        """The document that says why it failed."""
        outcome = await self.invoke(payload, **given)
        assert outcome.error == "Unhandled"
        return json.loads(outcome.payload)

    def send(self, payload: object, **given: Any) -> str:
        return self.functions.send_event(self.function, json.dumps(payload).encode(), **given)

    def pids(self) -> set[int]:
        return {child.pid for child in self.functions.stats()}

    def reported(self, kind: type) -> list[Any]:
        return [report for report in self.reports if isinstance(report, kind)]


@asynccontextmanager
async def running(*functions: Function, **options: Any) -> AsyncIterator[Pools]:
    """Pools of these functions (or of the usual one), stopped at the end."""
    functions = functions or (a_function(),)
    reports: list[Any] = []
    pools = Functions(
        a_model(*functions),
        **{
            "environment": {},
            "credentials": lambda _: Credentials("ACCESS", "SECRET", "TOKEN", "principal"),
            "report": reports.append,
            **options,
        },
    )
    async with pools:
        yield Pools(pools, functions[0], reports)
