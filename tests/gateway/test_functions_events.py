"""Asynchronous invocations: in another process, later, tried again, at least once.

docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

import asyncio
import os

import pytest

from local.gateway.report import Invoked, Noticed
from tests.gateway.pools import a_function, running, until


@pytest.fixture
def written(tmp_path):
    """What the function appended: a process and a request id each time."""
    file = tmp_path / "written"

    def lines():
        return [line.split() for line in file.read_text().splitlines()] if file.exists() else []

    lines.event = {"do": "append", "file": str(file)}
    return lines


async def test_an_event_runs_in_another_process_after_its_sender_went_on(written):
    async with running() as pools:
        request_id = pools.send(written.event)
        assert written() == []
        ((pid, ran),) = await until(written)
    assert int(pid) != os.getpid()
    assert ran == request_id


async def test_a_failed_event_is_tried_again_as_the_same_request(written):
    function = a_function(max_retries=2)
    async with running(function, retry_after_s=(0.01, 0.01)) as pools:
        request_id = pools.send({**written.event, "then": "raise"})
        (notice,) = await until(lambda: pools.reported(Noticed))
    assert [ran for _, ran in written()] == [request_id] * 3
    assert notice.error
    assert request_id in notice.text


async def test_an_event_of_a_function_without_retries_runs_once(written):
    async with running(a_function(max_retries=0), retry_after_s=(0.01,)) as pools:
        pools.send({**written.event, "then": "raise"})
        await until(lambda: pools.reported(Noticed))
    assert len(written()) == 1


async def test_an_event_that_succeeds_is_not_tried_again(written):
    async with running(a_function(max_retries=2), retry_after_s=(0.01, 0.01)) as pools:
        pools.send(written.event)
        await until(lambda: pools.reported(Invoked))
        await pools.answer({"do": "pid"})
        assert pools.reported(Noticed) == []
    assert len(written()) == 1


async def test_an_event_that_waited_too_long_for_a_process_is_dropped(written, tmp_path):
    go, started = tmp_path / "go", tmp_path / "started"
    function = a_function(max_event_age_s=0.2)
    async with running(function, children=1) as pools:
        event = {"do": "wait", "running": str(started), "until": str(go)}
        busy = asyncio.create_task(pools.answer(event))
        await until(started.exists)
        request_id = pools.send(written.event)
        (notice,) = await until(lambda: pools.reported(Noticed))
        go.touch()
        await busy
        await pools.answer({"do": "pid"})
    assert request_id in notice.text
    assert written() == []


async def test_an_event_is_not_tried_again_when_it_would_be_too_old(written):
    function = a_function(max_retries=2, max_event_age_s=0.05)
    async with running(function, retry_after_s=(0.1, 0.1)) as pools:
        await pools.answer({"do": "pid"})  # a process is there, so that the first try is in time
        pools.send({**written.event, "then": "raise"})
        await until(lambda: pools.reported(Noticed))
    assert len(written()) == 1


async def test_every_event_can_be_delivered_twice(written):
    async with running(duplicate_events=True) as pools:
        request_id = pools.send(written.event)
        await until(lambda: len(written()) == 2)
    assert [ran for _, ran in written()] == [request_id] * 2


async def test_synchronous_invocations_are_not_delivered_twice(written):
    async with running(duplicate_events=True) as pools:
        await pools.answer(written.event)
        await pools.answer({"do": "pid"})
    assert len(written()) == 1


async def test_events_beyond_the_processes_allowed_wait_and_all_run(written):
    async with running(children=2) as pools:
        sent = {pools.send(written.event) for _ in range(40)}
        await until(lambda: len(written()) == 40)
        assert len(pools.pids()) <= 2
    assert {ran for _, ran in written()} == sent
