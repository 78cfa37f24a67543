"""Schedules: when AWS would run them, and what the function gets.

docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from local.gateway.model import Model, Schedule
from local.gateway.schedule_expressions import UnknownExpression, parse
from local.gateway.schedules import Schedules, scheduled_event
from tests.gateway.pools import a_function, running, until

START = datetime(2026, 11, 20, 10, 7, 30, tzinfo=UTC)  # a Friday


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("rate(1 minute)", ["2026-11-20 10:08:30", "2026-11-20 10:09:30"]),
        ("rate(5 minutes)", ["2026-11-20 10:12:30", "2026-11-20 10:17:30"]),
        ("rate(2 hours)", ["2026-11-20 12:07:30", "2026-11-20 14:07:30"]),
        ("rate(1 day)", ["2026-11-21 10:07:30", "2026-11-22 10:07:30"]),
        ("cron(0 12 * * ? *)", ["2026-11-20 12:00", "2026-11-21 12:00"]),
        ("cron(0/15 * * * ? *)", ["2026-11-20 10:15", "2026-11-20 10:30"]),
        ("cron(0 18 ? * MON-FRI *)", ["2026-11-20 18:00", "2026-11-23 18:00"]),
        ("cron(0 18 ? * 2-6 *)", ["2026-11-20 18:00", "2026-11-23 18:00"]),
        ("cron(0 8 ? * 1 *)", ["2026-11-22 08:00", "2026-11-29 08:00"]),
        ("cron(0 8 ? * SUN,7 *)", ["2026-11-21 08:00", "2026-11-22 08:00"]),
        ("cron(0 8 ? * L *)", ["2026-11-21 08:00", "2026-11-28 08:00"]),
        ("cron(0 8 ? * 6L *)", ["2026-11-27 08:00", "2026-12-25 08:00"]),
        ("cron(0 8 ? * FRIL *)", ["2026-11-27 08:00", "2026-12-25 08:00"]),
        ("cron(0 8 ? * 3#2 *)", ["2026-12-08 08:00", "2027-01-12 08:00"]),
        ("cron(0 8 ? * TUE#2 *)", ["2026-12-08 08:00", "2027-01-12 08:00"]),
        ("cron(0 8 L * ? *)", ["2026-11-30 08:00", "2026-12-31 08:00"]),
        ("cron(30 8 1 JAN,JUL ? *)", ["2027-01-01 08:30", "2027-07-01 08:30"]),
        ("cron(0 8 1 1 ? 2028-2029)", ["2028-01-01 08:00", "2029-01-01 08:00"]),
        ("cron(0 8 1 1 ? 2020)", [None]),
        ("cron(0 8 31 2 ? *)", [None]),
    ],
)
def test_a_schedule_is_due_when_aws_says_so(expression, expected):
    due_after, moment = parse(expression), START
    for text in expected:
        moment = due_after(moment)
        assert moment == (at(text) if text else None)


@pytest.mark.parametrize(
    "expression",
    [
        "rate(0 minutes)",
        "rate(5 seconds)",
        "rate(5minutes)",
        "cron(* * * * *)",
        "cron(0 12 ? * ? *)",
        "cron(0 12 ? * NEVER *)",
        "cron(0 12 ? * ABC *)",
        "cron(0 25 * * ? *)",
        "cron(0 12 ? * 0 *)",
        "at(2026-11-20T10:00:00)",
        "",
    ],
)
def test_what_aws_does_not_take_is_not_taken(expression):
    with pytest.raises(UnknownExpression):
        parse(expression)


def test_the_event_of_a_rule_is_eventbridges():
    schedule = Schedule("nightly", "Deeds", "rate(1 day)")
    assert json.loads(scheduled_event(schedule, a_function(), START, "the-id")) == {
        "version": "0",
        "id": "the-id",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-11-20T10:07:30Z",
        "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:123456789012:rule/nightly"],
        "detail": {},
    }


def test_the_event_of_a_schedule_of_the_scheduler_says_where_it_is_from():
    schedule = Schedule("nightly", "Deeds", "rate(1 day)", source="aws.scheduler")
    event = json.loads(scheduled_event(schedule, a_function(), START, "the-id"))
    assert event["source"] == "aws.scheduler"
    resource = "arn:aws:scheduler:us-east-1:123456789012:schedule/default/nightly"
    assert event["resources"] == [resource]


def test_a_schedules_own_input_is_all_the_function_gets():
    schedule = Schedule("nightly", "Deeds", "rate(1 day)", input='{"a": 1}')
    assert scheduled_event(schedule, a_function(), START, "the-id") == b'{"a": 1}'


class Clock:
    """Time that passes only when somebody sleeps, and only as far as the test allows."""

    def __init__(self, until):
        self.now, self._until = START, until
        self._more = asyncio.Event()

    def read(self):
        return self.now

    async def sleep(self, seconds):
        while self.now + timedelta(seconds=seconds) > self._until:
            self._more.clear()
            await self._more.wait()
        self.now += timedelta(seconds=seconds)
        await asyncio.sleep(0)

    def allow(self, until):
        self._until = until
        self._more.set()


class Sent:
    """Functions that only remember what they were sent."""

    def __init__(self):
        self.events = []

    def send_event(self, function, payload):
        self.events.append((function.logical_id, json.loads(payload)))
        return "an-id"

    def times(self):
        return [event["time"][11:] for _, event in self.events]


def a_plan(*schedules):
    return Model({"Deeds": a_function()}, schedules=schedules)


def on_a_timer(model, sent, clock):
    return Schedules(model, sent, lambda _: None, now=clock.read, sleep=clock.sleep)


async def test_a_schedule_sends_its_event_each_time_it_is_due():
    sent, clock = Sent(), Clock(START + timedelta(minutes=16))
    plan = a_plan(Schedule("five", "Deeds", "rate(5 minutes)"))
    async with on_a_timer(plan, sent, clock):
        await until(lambda: len(sent.events) == 3)
    assert sent.times() == ["10:12:30Z", "10:17:30Z", "10:22:30Z"]
    assert {function for function, _ in sent.events} == {"Deeds"}


async def test_a_schedule_that_is_disabled_sends_nothing():
    sent, clock = Sent(), Clock(START + timedelta(minutes=16))
    on = Schedule("on", "Deeds", "rate(15 minutes)")
    off = Schedule("off", "Deeds", "rate(1 minute)", enabled=False)
    async with on_a_timer(a_plan(on, off), sent, clock):
        await until(lambda: sent.events)
    assert sent.times() == ["10:22:30Z"]


async def test_runs_missed_while_the_machine_slept_are_not_made_up_for():
    sent, clock = Sent(), Clock(START + timedelta(minutes=5))
    plan = a_plan(Schedule("five", "Deeds", "cron(0/5 * * * ? *)"))
    async with on_a_timer(plan, sent, clock):
        await until(lambda: sent.events)
        clock.now = at("2026-11-20 10:31:00")
        clock.allow(at("2026-11-20 10:36:00"))
        await until(lambda: len(sent.events) == 3)
    assert sent.times() == ["10:10:00Z", "10:15:00Z", "10:35:00Z"]


async def test_a_reload_ends_old_schedules_starts_new_ones_and_keeps_the_others():
    sent, clock = Sent(), Clock(START)
    stays = Schedule("stays", "Deeds", "rate(10 minutes)")
    old = Schedule("old", "Deeds", "rate(2 minutes)")
    new = Schedule("new", "Deeds", "rate(4 minutes)")
    async with on_a_timer(a_plan(stays, old), sent, clock) as schedules:
        await asyncio.sleep(0)
        schedules.serve(a_plan(stays, new))
        clock.allow(START + timedelta(minutes=11))
        await until(lambda: len(sent.events) == 3)
    names = [event["resources"][0].rpartition("/")[2] for _, event in sent.events]
    assert sorted(names) == ["new", "new", "stays"]


async def test_a_scheduled_event_reaches_a_real_function(tmp_path):
    file = tmp_path / "written"
    given = json.dumps({"do": "append", "file": str(file)})
    clock = Clock(START + timedelta(minutes=2))
    async with running() as pools:
        plan = a_plan(Schedule("one", "Deeds", "rate(1 minute)", input=given))
        async with on_a_timer(plan, pools.functions, clock):
            await until(lambda: file.exists() and file.read_text().count("\n") == 2)
