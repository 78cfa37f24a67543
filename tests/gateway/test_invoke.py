"""Lambda's Invoke, called by a real boto3 client.

docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

import asyncio
import json
import os
from contextlib import asynccontextmanager

import boto3
import httpx
import pytest
import uvicorn
from botocore.config import Config
from botocore.exceptions import ClientError

from local.gateway.invoke_api import invoke_api
from local.gateway.sigv4 import Keyring
from tests.gateway.pools import a_function, a_model, running, until


class Api:
    """The API on a port of its own, and clients of it."""

    def __init__(self, pools, keyring, port):
        self.pools, self.url = pools, f"http://127.0.0.1:{port}"
        self._credentials = keyring.issue("arn:aws:iam::123456789012:role/tester", "tests")

    def client(self, **changed):
        names = {
            "aws_access_key_id": self._credentials.access_key,
            "aws_secret_access_key": self._credentials.secret_key,
            "aws_session_token": self._credentials.session_token,
            **changed,
        }
        retries = Config(retries={"max_attempts": 0})
        return boto3.client(
            "lambda", endpoint_url=self.url, region_name="us-east-1", config=retries, **names
        )

    async def invoke(self, payload=None, name="Deeds", **given):
        """boto3's answer, its payload read. boto3 blocks, so it runs in a thread."""

        def call():
            client = self.client()
            try:
                body = b"" if payload is None else json.dumps(payload).encode()
                answer = client.invoke(FunctionName=name, **{"Payload": body, **given})
                return {**answer, "Payload": answer["Payload"].read()}
            finally:
                client.close()

        return await asyncio.to_thread(call)

    async def refused(self, *given, **named):
        """The error boto3 raised."""
        with pytest.raises(ClientError) as raised:
            await self.invoke(*given, **named)
        return raised.value


class _Server(uvicorn.Server):
    """Leaves the signals to pytest."""

    @property
    def port(self):
        return self.servers[0].sockets[0].getsockname()[1]


@asynccontextmanager
async def serving(*functions, **options):
    keyring = Keyring()
    async with running(*functions, **options) as pools:
        model = a_model(*(functions or (a_function(),)))
        app = invoke_api(lambda: model, pools.functions, keyring.authenticate)
        server = _Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
        task = asyncio.create_task(server._serve())
        await until(lambda: server.started)
        yield Api(pools, keyring, server.port)
        server.should_exit = True
        await task


@pytest.fixture
async def api():
    async with serving() as started:
        yield started


async def test_a_synchronous_invocation_gives_the_functions_answer(api):
    answer = await api.invoke({"a": 1})
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert json.loads(answer["Payload"]) == {"a": 1}
    assert "FunctionError" not in answer


async def test_a_failing_function_is_a_success_with_a_function_error(api):
    answer = await api.invoke({"do": "raise", "text": "no such thing"})
    assert answer["StatusCode"] == 200
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"])["errorMessage"] == "no such thing"


async def test_the_request_id_is_the_one_the_function_sees(api):
    answer = await api.invoke({"do": "context"})
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert json.loads(answer["Payload"])["request_id"] == request_id


async def test_an_event_is_accepted_at_once_and_runs_in_another_process(api, tmp_path):
    file = tmp_path / "written"
    answer = await api.invoke({"do": "append", "file": str(file)}, InvocationType="Event")
    assert answer["StatusCode"] == 202
    assert answer["Payload"] == b""
    pid, request_id = (await until(lambda: file.exists() and file.read_text())).split()
    assert int(pid) != os.getpid()
    assert request_id == answer["ResponseMetadata"]["RequestId"]


async def test_an_event_whose_function_fails_is_accepted_all_the_same(api):
    answer = await api.invoke({"do": "raise", "text": "x"}, InvocationType="Event")
    assert (answer["StatusCode"], "FunctionError" in answer) == (202, False)


async def test_an_event_can_be_delivered_twice(tmp_path):
    file = tmp_path / "written"
    async with serving(duplicate_events=True) as api:
        await api.invoke({"do": "append", "file": str(file)}, InvocationType="Event")
        lines = await until(lambda: file.exists() and file.read_text().count("\n") == 2)
        assert lines


async def test_a_dry_run_runs_nothing(api):
    answer = await api.invoke({"do": "pid"}, InvocationType="DryRun")
    assert answer["StatusCode"] == 204
    assert api.pools.pids() == set()


@pytest.mark.parametrize(
    "name",
    [
        "deeds-name",
        "deeds-name:$LATEST",
        "arn:aws:lambda:us-east-1:123456789012:function:deeds-name",
        "arn:aws:lambda:us-east-1:123456789012:function:deeds-name:live",
        "123456789012:function:deeds-name",
    ],
)
async def test_a_function_is_called_by_name_arn_or_partial_arn(api, name):
    answer = await api.invoke({"a": 1}, name=name)
    assert json.loads(answer["Payload"]) == {"a": 1}


async def test_an_unknown_function_is_boto3s_own_exception(api):
    error = await api.refused({}, name="nobody")
    assert type(error).__name__ == "ResourceNotFoundException"
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert error.response["Error"]["Message"] == "Function not found: nobody"


@pytest.mark.parametrize(
    ("kind", "size"), [("RequestResponse", 6 * 1024 * 1024), ("Event", 1024 * 1024)]
)
async def test_too_large_a_payload_is_boto3s_own_exception(api, kind, size):
    error = await api.refused("x" * size, InvocationType=kind)
    assert type(error).__name__ == "RequestTooLargeException"
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert api.pools.pids() == set()


async def test_a_payload_that_is_no_json_is_boto3s_own_exception(api):
    error = await api.refused(Payload=b"{")
    assert type(error).__name__ == "InvalidRequestContentException"
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400


async def test_an_unknown_invocation_type_is_refused(api):
    error = await api.refused({}, InvocationType="Sometimes")
    assert type(error).__name__ == "InvalidParameterValueException"


async def test_an_unsigned_call_is_refused_and_runs_nothing(api):
    async with httpx.AsyncClient(base_url=api.url) as client:
        response = await client.post("/2015-03-31/functions/Deeds/invocations", json={})
    assert response.status_code == 403
    assert response.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    assert api.pools.pids() == set()


async def test_a_call_signed_with_another_secret_is_refused(api):
    client = api.client(aws_secret_access_key="another")
    with pytest.raises(ClientError, match="InvalidSignatureException"):
        await asyncio.to_thread(client.invoke, FunctionName="Deeds")
    client.close()
    assert api.pools.pids() == set()


async def test_invocations_of_many_clients_run_at_the_same_time(api, tmp_path):
    go = tmp_path / "go"
    events = [{"do": "wait", "running": str(tmp_path / str(n)), "until": str(go)} for n in range(3)]
    tasks = [asyncio.create_task(api.invoke(event)) for event in events]
    await until(lambda: all((tmp_path / str(n)).exists() for n in range(3)))
    go.touch()
    assert len({answer["Payload"] for answer in await asyncio.gather(*tasks)}) == 3
