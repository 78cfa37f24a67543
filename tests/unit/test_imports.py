"""A cold WebSocket handler imports nothing it does not need."""

import json
import subprocess
import sys

import pytest

HEAVY = ["fastapi", "mangum", "boto3", "httpx", "aws_xray_sdk", "starlette", "cj.agent.scripted"]


def modules_after_importing(name: str) -> set[str]:
    code = f"import json, sys, {name}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("function", ["ws_connect", "ws_message", "ws_disconnect"])
def test_a_websocket_handler_imports_nothing_heavy(function: str) -> None:
    loaded = modules_after_importing(f"functions.{function}.app")
    assert "cj.runtime" in loaded
    assert loaded.isdisjoint(HEAVY)


@pytest.mark.parametrize(
    "function",
    [
        *("ws_connect", "ws_message", "ws_disconnect", "turn_worker", "archiver", "migrate"),
        *("api", "oauth_callback", "session_initiate"),
    ],
)
def test_importing_a_handler_needs_no_environment(function: str) -> None:
    code = f"import functions.{function}.app as app; assert callable(app.handler)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env={"PATH": ""},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
