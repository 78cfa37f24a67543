"""Functions that raise, hang, crash or do not even start, in Lambda's own words.

docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html and .../invocation-retries.html
"""

import asyncio
import json
import os
import signal

import pytest

from local.gateway.report import ChildStarted, Invoked, LogLine, Noticed
from tests.gateway.pools import a_function, running, until


async def test_an_exception_is_lambdas_error_document():
    async with running() as pools:
        document = await pools.failure({"do": "raise", "text": "no such thing"}, request_id="it")
    assert document["errorType"] == "ValueError"
    assert document["errorMessage"] == "no such thing"
    assert document["requestId"] == "it"
    assert "in _raise" in "".join(document["stackTrace"])


async def test_an_exception_leaves_its_traceback_in_the_log_and_the_process_alive():
    async with running() as pools:
        pid = await pools.answer({"do": "pid"})
        await pools.failure({"do": "raise", "text": "no such thing"}, request_id="it")
        assert await pools.answer({"do": "pid"}) == pid
        lines = {line.text for line in pools.reported(LogLine) if line.request_id == "it"}
    assert "[ERROR] ValueError: no such thing" in lines
    assert "Traceback (most recent call last):" in lines


async def test_a_function_that_takes_too_long_is_killed_and_replaced():
    async with running(a_function(timeout_s=1), children=1) as pools:
        first = await pools.answer({"do": "pid"})
        document = await pools.failure({"do": "sleep", "s": 60}, request_id="it")
        assert await pools.answer({"do": "pid"}) != first
        assert first not in pools.pids()
    assert document == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: it Error: Task timed out after 1.00 seconds",
    }


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        ({"do": "exit", "status": 3}, "Runtime exited with error: exit status 3"),
        ({"do": "exit", "status": 0}, "Runtime exited without providing a reason"),
        ({"do": "signal", "name": "SIGKILL"}, "Runtime exited with error: signal: killed"),
        (
            {"do": "signal", "name": "SIGSEGV"},
            "Runtime exited with error: signal: segmentation fault",
        ),
    ],
    ids=["sys.exit", "sys.exit without an error", "killed", "crashed"],
)
async def test_a_process_that_ends_in_mid_invocation_is_an_exit_error_and_replaced(deed, reason):
    async with running(children=1) as pools:
        assert await pools.failure(deed, request_id="it") == {
            "errorType": "Runtime.ExitError",
            "errorMessage": f"RequestId: it Error: {reason}",
        }
        assert await pools.answer({"still": "here"}) == {"still": "here"}


async def test_a_process_that_ends_while_it_is_idle_is_replaced_unnoticed():
    async with running(children=1) as pools:
        pid = await pools.answer({"do": "pid"})
        os.kill(pid, signal.SIGKILL)
        await until(lambda: pid not in pools.pids())
        assert await pools.answer({"do": "pid"}) != pid


async def test_whoever_waits_behind_a_crash_is_served_by_another_process():
    async with running(children=1) as pools:
        crash = pools.invoke({"do": "exit", "status": 1})
        outcomes = await asyncio.gather(crash, pools.invoke({"a": 1}), pools.invoke({"b": 2}))
    assert [outcome.error for outcome in outcomes] == ["Unhandled", None, None]


async def test_an_answer_above_six_megabytes_is_an_error():
    async with running() as pools:
        document = await pools.failure({"do": "answer", "bytes": 7_000_000})
        assert await pools.answer({"a": 1}) == {"a": 1}
    assert document["errorType"] == "Function.ResponseSizeTooLarge"
    assert "6291556 bytes" in document["errorMessage"]


async def test_an_answer_that_is_no_json_is_an_error_of_the_function(tmp_path):
    (tmp_path / "odd.py").write_text("def handler(event, context):\n    return object()\n")
    async with running(a_function(handler="odd.handler", python_path=(tmp_path,))) as pools:
        document = await pools.failure()
    assert document["errorType"] == "Runtime.MarshalError"


@pytest.mark.parametrize(
    ("code", "error_type", "message"),
    [
        ("import nothing_like_it", "Runtime.ImportModuleError", "No module named 'nothing_like"),
        ("def handler(:", "Runtime.UserCodeSyntaxError", "Syntax error in module 'late'"),
        ("handle = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'late'"),
        ("1 / 0", "ZeroDivisionError", "division by zero"),
        ("raise SystemExit(4)", "Runtime.ExitError", "exit status 4"),
    ],
)
async def test_code_that_does_not_start_says_why_and_is_tried_again(
    tmp_path, code, error_type, message
):
    file = tmp_path / "late.py"
    file.write_text(code)
    async with running(a_function(handler="late.handler", python_path=(tmp_path,))) as pools:
        document = await pools.failure()
        (notice,) = pools.reported(Noticed)
        file.write_text("def handler(event, context):\n    return 'it works now'\n")
        assert await pools.answer() == "it works now"
    assert document["errorType"] == error_type
    assert message in document["errorMessage"]
    assert notice.error
    for part in ("Deeds cannot start", error_type, message, "late.handler", str(tmp_path)):
        assert part in notice.text


async def test_every_invocation_that_waits_for_broken_code_hears_of_it(tmp_path):
    (tmp_path / "late.py").write_text("import nothing_like_it")
    function = a_function(handler="late.handler", python_path=(tmp_path,))
    async with running(function, children=2) as pools:
        outcomes = await asyncio.gather(*(pools.invoke() for _ in range(5)))
    documents = [json.loads(outcome.payload) for outcome in outcomes]
    assert {d["errorType"] for d in documents} == {"Runtime.ImportModuleError"}


async def test_a_start_that_hangs_ends_after_lambdas_limit_and_the_functions_own(tmp_path):
    (tmp_path / "late.py").write_text("import time\ntime.sleep(600)\n")
    function = a_function(handler="late.handler", python_path=(tmp_path,), timeout_s=1)
    async with running(function, start_s=0.1) as pools:
        document = await pools.failure()
    assert document["errorType"] == "Sandbox.Timedout"


async def test_warming_a_function_that_does_not_start_returns_and_is_reported(tmp_path):
    function = a_function(handler="nowhere.handler", python_path=(tmp_path,))
    async with running(function) as pools:
        await pools.functions.warm(function)
        assert "Runtime.ImportModuleError" in pools.reported(Noticed)[0].text
        assert pools.reported(ChildStarted) == []


async def test_code_whose_folder_is_gone_is_an_error_document(tmp_path):
    function = a_function(python_path=(tmp_path / "gone",))
    async with running(function) as pools:
        assert (await pools.failure())["errorType"] == "Runtime.InvalidEntrypoint"


async def test_a_failure_is_reported_as_one():
    async with running() as pools:
        await pools.failure({"do": "raise", "text": "x"})
        assert [report.error for report in pools.reported(Invoked)] == ["Unhandled"]
