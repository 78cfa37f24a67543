"""`cj invoke`: a function of the running CJ, through the same endpoint that AWS has for it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from local.commands import CommandError
from local.data_folder import DataFolder

if TYPE_CHECKING:
    from argparse import Namespace

    from local.data_folder import State

_WAIT_S = 900  # as long as the longest function may take


def main(given: Namespace) -> int:
    """Prints what the function answers; 1 when it failed."""
    folder = DataFolder(given.data_dir)
    state = folder.running()
    if state is None:
        raise CommandError(f"No CJ is running on {folder.path}. Start one with `cj run`.")
    answer = _invoked(state, given.name, given.payload)
    sys.stdout.write(f"{_pretty(answer['Payload'].read())}\n")
    if "FunctionError" not in answer:
        return 0
    sys.stderr.write(f"cj invoke: {given.name} failed ({answer['FunctionError']}).\n")
    return 1


def _invoked(state: State, name: str, payload: str) -> dict[str, Any]:
    import boto3  # slow to import, and only needed when there is something to invoke
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    client = boto3.client(
        "lambda",
        endpoint_url=state.url,
        region_name="us-east-1",
        aws_access_key_id=state.credentials["access_key"],
        aws_secret_access_key=state.credentials["secret_key"],
        aws_session_token=state.credentials["session_token"],
        config=Config(read_timeout=_WAIT_S, retries={"total_max_attempts": 1}, proxies={}),
    )
    called = state.functions.get(name, name)
    try:
        return dict(client.invoke(FunctionName=called, Payload=payload.encode()))
    except client.exceptions.ResourceNotFoundException:
        known = ", ".join(sorted(state.functions))
        raise CommandError(f"There is no function {name}. There are: {known}.") from None
    except BotoCoreError as error:
        raise CommandError(f"The CJ at {state.url} did not answer: {error}") from None


def _pretty(payload: bytes) -> str:
    try:
        return json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except ValueError:
        return payload.decode(errors="replace")
