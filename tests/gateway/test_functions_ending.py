"""What becomes of processes when code changes, the gateway stops, or it is killed."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from local.gateway import child
from local.gateway.report import Noticed
from tests.gateway.pools import a_function, a_model, running, until
from tests.processes import lives

ROOT = Path(__file__).parents[2]


def wait_event(tmp_path, name="one"):
    return {"do": "wait", "running": str(tmp_path / name), "until": str(tmp_path / "go")}


def code(folder, answer):
    folder.mkdir(exist_ok=True)
    (folder / "app.py").write_text(f"def handler(event, context):\n    return {answer!r}\n")
    return folder


async def test_replaced_code_serves_what_comes_next(tmp_path):
    async with running() as pools:
        old = await pools.answer({"do": "pid"})
        new = a_function(python_path=(code(tmp_path / "new", "new"),))
        pools.functions.replace(a_model(new))
        assert await pools.answer() == "new"
        await until(lambda: not lives(old))


async def test_what_runs_while_code_is_replaced_ends_as_it_began(tmp_path):
    async with running(children=1) as pools:
        running_one = asyncio.create_task(pools.answer(wait_event(tmp_path)))
        await until((tmp_path / "one").exists)
        (old,) = pools.pids()
        pools.functions.replace(a_model(a_function(python_path=(code(tmp_path / "n", "new"),))))
        assert await pools.answer() == "new"
        (tmp_path / "go").touch()
        assert await running_one == old
        await until(lambda: not lives(old))


async def test_what_waits_while_code_is_replaced_gets_the_new_code(tmp_path):
    async with running(children=1) as pools:
        first = asyncio.create_task(pools.answer(wait_event(tmp_path)))
        await until((tmp_path / "one").exists)
        waiting = asyncio.create_task(pools.answer({"a": 1}))
        await asyncio.sleep(0)
        pools.functions.replace(a_model(a_function(python_path=(code(tmp_path / "n", "new"),))))
        assert await waiting == "new"
        (tmp_path / "go").touch()
        await first


async def test_a_function_that_is_no_longer_there_leaves_no_process():
    other = a_function("Other")
    async with running(a_function(), other) as pools:
        pid = await pools.answer({"do": "pid"}, function=other)
        pools.functions.replace(a_model(a_function()))
        await until(lambda: not lives(pid))
        assert await pools.answer({"a": 1}) == {"a": 1}


async def test_what_runs_in_a_function_that_is_taken_away_ends_as_it_began(tmp_path):
    other = a_function("Other")
    async with running(a_function(), other) as pools:
        task = asyncio.create_task(pools.answer(wait_event(tmp_path), function=other))
        await until((tmp_path / "one").exists)
        pools.functions.replace(a_model(a_function()))
        (tmp_path / "go").touch()
        pid = await task
        await until(lambda: not lives(pid))


async def test_a_variable_without_a_value_is_reported_unless_the_gateway_has_one():
    without = {"A": "the parameter A has no value", "B": "nor has B"}
    functions = [a_function(unresolved=without), a_function("Other", unresolved=without)]
    async with running(*functions, environment={"B": "1"}) as pools:
        pools.functions.replace(a_model(*functions))
        (notice,) = pools.reported(Noticed)
    expected = "Deeds, Other without A: the parameter A has no value. Set A in the shell."
    assert notice.text == expected


async def test_what_a_template_has_but_is_not_served_is_reported():
    async with running() as pools:
        model = replace(a_model(a_function()), warnings=("Rest is not served.",))
        pools.functions.replace(model)
        assert pools.reported(Noticed) == [Noticed("Rest is not served.")]


async def test_no_process_is_left_when_the_gateway_stops(tmp_path):
    async with running(freeze=True) as pools:
        await asyncio.gather(*(pools.answer({"do": "sleep", "s": 0.2}) for _ in range(3)))
        pids = pools.pids()
        assert pids
    assert not [pid for pid in pids if lives(pid)]


async def test_what_is_under_way_when_the_gateway_stops_fails_with_that_reason(tmp_path):
    async with running(children=1) as pools:
        tasks = [asyncio.create_task(pools.invoke(wait_event(tmp_path))) for _ in range(2)]
        await until((tmp_path / "one").exists)
        began = time.monotonic()
    outcomes = await asyncio.gather(*tasks)
    print(f"stopping took {time.monotonic() - began:.2f} s")  # noqa: T201
    for outcome in outcomes:
        assert outcome.error == "Unhandled"
        document = json.loads(outcome.payload)
        assert document["errorType"] == "Gateway.Stopped"
        assert "The gateway stopped" in document["errorMessage"]


async def test_a_function_that_ignores_the_request_to_stop_is_killed(tmp_path):
    (tmp_path / "app.py").write_text(
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "def handler(event, context):\n    import os\n    return os.getpid()\n"
    )
    async with running(a_function(python_path=(tmp_path,))) as pools:
        pid = await pools.answer()
    assert not lives(pid)


async def test_the_pools_can_be_left_while_a_process_is_being_started():
    async with running() as pools:
        task = asyncio.create_task(pools.invoke())
        await asyncio.sleep(0)
    assert (await task).error == "Unhandled"
    assert pools.pids() == set()


GATEWAY = """
import asyncio, sys
from pathlib import Path
from tests.gateway.pools import running

async def main(folder):
    async with running(children=4, freeze=True) as pools:
        await asyncio.gather(*(pools.answer({"do": "sleep", "s": 0.3}) for _ in range(3)))
        busy = {"do": "wait", "running": f"{folder}/busy", "until": f"{folder}/never"}
        task = asyncio.create_task(pools.invoke(busy))
        while not Path(folder, "busy").exists():
            await asyncio.sleep(0.01)
        print(*pools.pids(), flush=True)
        await task

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's signal to orphans is Linux's")
def test_kill_9_of_the_gateway_leaves_no_process_neither_frozen_nor_busy(tmp_path):
    gateway = subprocess.Popen(
        [sys.executable, "-c", GATEWAY, str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with gateway:
        pids = [int(pid) for pid in gateway.stdout.readline().split()]
        assert pids
        assert all(lives(pid) for pid in pids)
        os.kill(gateway.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while left := [pid for pid in pids if lives(pid)]:
        assert time.monotonic() < deadline, f"still running: {left}"
        time.sleep(0.01)


def test_a_process_whose_gateway_is_already_gone_does_not_begin():
    somebody_else = os.getppid()
    ended = subprocess.run(
        [sys.executable, "-P", child.__file__, "app.handler", str(somebody_else)],
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
