"""Functions as Lambda runs them: what a handler is given, and how many processes there are."""

import asyncio
import json
import os
import re
import sys
import time
from pathlib import Path

import pytest

from local.gateway.report import ChildStarted, Invoked, LogLine
from tests.gateway.pools import ARN, LAMBDAS, a_function, running, until

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads states of processes in /proc")


def state(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


async def test_a_handler_gets_its_event_and_its_answer_comes_back():
    async with running() as pools:
        assert await pools.answer({"b": [1, "ü"]}) == {"b": [1, "ü"]}


async def test_an_empty_payload_is_an_empty_event():
    async with running() as pools:
        outcome = await pools.functions.invoke(pools.function, b"")
    assert json.loads(outcome.payload) == {}


async def test_the_context_is_lambdas():
    async with running() as pools:
        context = await pools.answer({"do": "context"}, request_id="one-request")
    assert context["request_id"] == "one-request"
    assert context["name"] == "deeds-name"
    assert context["arn"] == f"{ARN}:deeds-name"
    assert context["memory"] == "256"
    assert 0 < context["remaining_ms"] <= 20_000
    trace = r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0"
    assert re.fullmatch(trace, context["trace"])


async def test_the_environment_is_lambdas():
    async with running() as pools:
        found = await pools.answer({"do": "environment"})
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    expected = {
        "_HANDLER": "app.handler",
        "AWS_ACCESS_KEY_ID": "ACCESS",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{python}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_NAME": "deeds-name",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/deeds-name",
        "AWS_REGION": "us-east-1",
        "AWS_SECRET_ACCESS_KEY": "SECRET",
        "AWS_SESSION_TOKEN": "TOKEN",
        "LAMBDA_TASK_ROOT": str(LAMBDAS),
        "PATH": os.environ["PATH"],
        "TZ": "UTC",
    }
    assert {name: found.get(name) for name in expected} == expected


async def test_nothing_else_of_the_gateways_own_environment_reaches_a_function(monkeypatch):
    monkeypatch.setenv("A_SECRET_OF_THE_SHELL", "x")
    async with running() as pools:
        assert "A_SECRET_OF_THE_SHELL" not in await pools.answer({"do": "environment"})


async def test_variables_of_the_gateway_win_over_the_templates_but_not_over_lambdas():
    function = a_function(environment={"A": "template", "B": "template", "TZ": "template"})
    given = {"A": "gateway", "C": "gateway", "AWS_LAMBDA_FUNCTION_NAME": "gateway"}
    async with running(function, environment=given) as pools:
        found = await pools.answer({"do": "environment"})
    assert [found[name] for name in "ABC"] == ["gateway", "template", "gateway"]
    assert found["TZ"] == "template"
    assert found["AWS_LAMBDA_FUNCTION_NAME"] == "deeds-name"


async def test_code_comes_before_layers_and_nothing_of_the_gateway_is_there(tmp_path):
    async with running(a_function(python_path=(LAMBDAS, tmp_path))) as pools:
        found = await pools.answer({"do": "path"})
    assert found["path"][:2] == [str(LAMBDAS), str(tmp_path)]
    assert not [one for one in found["path"] if one.endswith("gateway")]
    assert found["cwd"] == str(LAMBDAS)


async def test_a_process_is_used_again():
    async with running() as pools:
        pids = {await pools.answer({"do": "pid"}) for _ in range(20)}
        assert pids == pools.pids()
        assert len(pids) == 1


@linux
async def test_the_process_used_last_is_the_next_one_used():
    async with running(freeze=True) as pools:
        # A frozen process is an idle one: that can be seen from outside.
        resting = lambda: all(state(pid) == "T" for pid in pools.pids())  # noqa: E731
        await asyncio.gather(*(pools.answer({"do": "sleep", "s": 0.5}) for _ in range(3)))
        await until(lambda: len(pools.pids()) > 1 and resting())
        last = await pools.answer({"do": "pid"})
        for _ in range(5):
            await until(resting)
            assert await pools.answer({"do": "pid"}) == last


async def test_invocations_at_the_same_time_run_in_processes_of_their_own(tmp_path):
    go = tmp_path / "go"
    async with running() as pools:
        tasks = [
            asyncio.create_task(
                pools.answer({"do": "wait", "running": str(tmp_path / str(n)), "until": str(go)})
            )
            for n in range(3)
        ]
        await until(lambda: all((tmp_path / str(n)).exists() for n in range(3)))
        go.touch()
        assert len(set(await asyncio.gather(*tasks))) == 3


async def test_beyond_the_processes_allowed_invocations_wait_their_turn():
    async with running(children=8) as pools:
        pids = await asyncio.gather(
            *(pools.answer({"do": "sleep", "s": 0.01}) for _ in range(60)),
        )
        assert len(pids) == 60
        assert 1 < len(pools.pids()) <= 8


async def test_with_one_process_invocations_run_in_the_order_they_came(tmp_path):
    written = tmp_path / "written"
    async with running(children=1) as pools:
        await asyncio.gather(
            *(
                pools.answer({"do": "append", "file": str(written)}, request_id=str(number))
                for number in range(10)
            )
        )
        assert len(pools.pids()) == 1
    assert [line.split()[1] for line in written.read_text().splitlines()] == list("0123456789")


async def test_a_caller_that_stops_waiting_does_not_stop_the_function(tmp_path):
    started, go, written = tmp_path / "started", tmp_path / "go", tmp_path / "written"
    async with running(children=1) as pools:
        event = {"do": "wait", "running": str(started), "until": str(go)}
        impatient = asyncio.create_task(pools.invoke(event))
        await until(started.exists)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        go.touch()
        await pools.answer({"do": "append", "file": str(written)})
        assert [report.error for report in pools.reported(Invoked)] == [None, None]
        assert len(pools.reported(ChildStarted)) == 1


async def test_six_megabytes_come_and_go_without_a_pause():
    async with running() as pools:
        size = 6 * 1024 * 1024 - 100
        assert await pools.answer({"do": "length", "text": "x" * (size - 50)}) == size - 50
        began = time.perf_counter()
        assert len(await pools.answer({"do": "answer", "bytes": size})) == size
        print(f"an answer of 6 MB took {time.perf_counter() - began:.3f} s")  # noqa: T201


async def test_what_a_function_prints_is_reported_with_its_request():
    async with running() as pools:
        await pools.answer({"do": "print", "text": "one\ntwo ü"}, request_id="the-request")
        line = LogLine("deeds-name", "the-request", "one")
        await until(lambda: line in pools.reports)
        await until(lambda: LogLine("deeds-name", "the-request", "two ü") in pools.reports)


async def test_a_line_without_an_end_is_reported_when_the_process_has_ended():
    async with running(children=1) as pools:
        await pools.invoke({"do": "write", "text": "no end"})
        await pools.invoke({"do": "exit", "status": 0})
        await until(lambda: [line for line in pools.reported(LogLine) if line.text == "no end"])


async def test_a_line_that_never_ends_is_cut_where_cloudwatch_cuts_it():
    async with running() as pools:
        await pools.invoke({"do": "print", "text": "x" * 1_000_000})
        await until(lambda: sum(len(line.text) for line in pools.reported(LogLine)) == 1_000_000)
        assert max(len(line.text) for line in pools.reported(LogLine)) < 400_000


async def test_what_is_not_utf_8_is_reported_all_the_same(tmp_path):
    code = "import os\ndef handler(event, context):\n    os.write(1, b'a\\xffb\\n')\n"
    (tmp_path / "raw.py").write_text(code)
    async with running(a_function(handler="raw.handler", python_path=(tmp_path,))) as pools:
        await pools.invoke()
        (line,) = await until(lambda: pools.reported(LogLine))
    assert line.text == "a\ufffdb"


async def test_an_invocation_is_reported_with_its_figures():
    async with running() as pools:
        outcome = await pools.invoke({"do": "sleep", "s": 0.05}, request_id="the-request")
        (invoked,) = pools.reported(Invoked)
    assert outcome.duration_ms >= 50
    assert invoked.request_id == "the-request"
    assert invoked.duration_ms == outcome.duration_ms
    assert 5 < invoked.peak_memory_mb < 500


async def test_there_are_figures_of_every_process():
    async with running() as pools:
        pid = await pools.answer({"do": "pid"})
        (child,) = pools.functions.stats()
    assert (child.function, child.pid) == ("deeds-name", pid)
    assert 5_000_000 < child.rss_bytes < 500_000_000


async def test_a_process_can_be_started_ahead_of_the_first_invocation():
    async with running() as pools:
        await pools.functions.warm(pools.function)
        (started,) = pools.reported(ChildStarted)
        assert await pools.answer({"do": "pid"}) == started.pid


@linux
async def test_a_frozen_process_does_nothing_between_invocations(tmp_path):
    ticks = tmp_path / "ticks"
    async with running(freeze=True) as pools:
        pid = await pools.answer({"do": "tick", "file": str(ticks)})
        await until(lambda: state(pid) == "T")
        before = ticks.read_text() if ticks.exists() else ""
        assert await pools.answer({"do": "sleep", "s": 0.1}) is None
        await until(lambda: state(pid) == "T")
        assert ticks.read_text() != before
        assert await pools.answer({"do": "pid"}) == pid
