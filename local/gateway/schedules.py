"""Schedules on a timer, as EventBridge and its Scheduler run them: each run is an event."""

from __future__ import annotations

import asyncio
import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from local.gateway.report import Noticed
from local.gateway.schedule_expressions import parse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from local.gateway.functions import Functions
    from local.gateway.model import Function, Model, Schedule
    from local.gateway.report import Report

# Longer waits are cut up, so that a machine that slept or a clock that was set is noticed.
STEP_S = 30.0


def utc_now() -> datetime:
    return datetime.now(UTC)


class Schedules:
    """An async context. A run is not waited for: the next one may overlap it, as on AWS."""

    def __init__(
        self,
        model: Model,
        functions: Functions,
        report: Callable[[Report], None],
        *,
        now: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._model = model
        self._functions = functions
        self._report = report
        self._now, self._sleep = now, sleep
        self._timers: dict[Schedule, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        self.serve(self._model)
        return self

    async def __aexit__(self, *_: object) -> None:
        timers = list(self._timers.values())
        for timer in timers:
            timer.cancel()
        await asyncio.gather(*timers, return_exceptions=True)

    def serve(self, model: Model) -> None:
        """Takes the model a reload brought; schedules that stay keep their rhythm."""
        self._model = model
        wanted = {schedule for schedule in model.schedules if schedule.enabled}
        for schedule in set(self._timers) - wanted:
            self._timers.pop(schedule).cancel()
        for schedule in wanted - set(self._timers):
            self._timers[schedule] = asyncio.create_task(self._run(schedule))

    async def _run(self, schedule: Schedule) -> None:
        due_after = parse(schedule.expression)
        moment = self._now()
        while (due := due_after(moment)) is not None:
            while (left_s := (due - self._now()).total_seconds()) > 0:
                await self._sleep(min(left_s, STEP_S))
            function = self._model.functions[schedule.function]
            payload = scheduled_event(schedule, function, due, str(uuid.uuid4()))
            self._functions.send_event(function, payload)
            self._report(Noticed(f"{schedule.name} is due: {function.name} was sent its event."))
            moment = max(due, self._now())  # what was missed meanwhile is not made up for


def scheduled_event(schedule: Schedule, function: Function, due: datetime, event_id: str) -> bytes:
    """What the function gets: the schedule's own input, or the event AWS makes of the time."""
    if schedule.input is not None:
        return schedule.input.encode()
    _, partition, _, region, account, *_ = function.arn.split(":")
    by_rule = schedule.source == "aws.events"
    kind = f"rule/{schedule.name}" if by_rule else f"schedule/default/{schedule.name}"
    service = schedule.source.removeprefix("aws.")
    event = {
        "version": "0",
        "id": event_id,
        "detail-type": "Scheduled Event",
        "source": schedule.source,
        "account": account,
        "time": due.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [f"arn:{partition}:{service}:{region}:{account}:{kind}"],
        "detail": {} if by_rule else "{}",
    }
    return json.dumps(event).encode()
