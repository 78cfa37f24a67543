"""Tokens at rest: each opens in its own row and column, and only with a key we have."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from typing import TYPE_CHECKING
from uuid import UUID

import boto3
import pytest
from botocore.config import Config
from cj.domain.ids import new_id
from cj.shopify.cipher import TokenCipher
from cj.shopify.errors import KeyInvalid, KeysUnavailable, TokenUnreadable
from cj.shopify.keys import KeyFile
from cj.shopify.kms import KmsKeys, kms_client
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

CANARY = "shpat_canary"
A, B = new_id(), new_id()


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile.create(tmp_path / "keys.json")


@pytest.fixture(scope="module")
def aws_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def kms_at(url: str) -> Any:
    return boto3.client(
        "kms",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(retries={"max_attempts": 1}, connect_timeout=1),
    )


@pytest.fixture
def kms(aws_url: str) -> Iterator[Any]:
    client = kms_at(aws_url)
    yield client
    client.close()


async def test_a_token_is_opened_where_it_was_sealed(keys: KeyFile) -> None:
    cipher = TokenCipher(keys)
    text = await cipher.seal(CANARY, A, "api_key")
    assert await cipher.open(text, A, "api_key") == CANARY
    assert text.startswith("v1.1.")
    assert CANARY not in text
    assert base64.b64encode(CANARY.encode()).decode().rstrip("=") not in text


async def test_the_same_token_sealed_twice_looks_different(keys: KeyFile) -> None:
    cipher = TokenCipher(keys)
    assert await cipher.seal(CANARY, A, "api_key") != await cipher.seal(CANARY, A, "api_key")


async def test_a_text_from_another_row_or_column_does_not_open(keys: KeyFile) -> None:
    cipher = TokenCipher(keys)
    text = await cipher.seal(CANARY, A, "api_key")
    with pytest.raises(TokenUnreadable):
        await cipher.open(text, B, "api_key")
    with pytest.raises(TokenUnreadable):
        await cipher.open(text, A, "refresh_token")


async def test_a_text_under_another_keys_name_does_not_open(keys: KeyFile) -> None:
    keys.path.write_text(json.dumps(json.loads(keys.path.read_text()) | _same_key_again(keys)))
    text = await TokenCipher(keys).seal(CANARY, A, "api_key")
    assert text.startswith("v1.2.")
    with pytest.raises(TokenUnreadable):
        await TokenCipher(keys).open(text.replace("v1.2.", "v1.1."), A, "api_key")


def _same_key_again(keys: KeyFile) -> dict[str, str]:
    return {"2": json.loads(keys.path.read_text())["1"]}


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-1] + ("A" if text[-1] != "A" else "Q"),
        lambda text: text[:-30],
        lambda text: "v1.1..",
        lambda text: "v1.1..AAAA",
        lambda text: text.replace("v1.", "v2."),
        lambda text: text.replace("v1.1.", "v1.9."),
        lambda text: text.replace("v1.1.", "v1.."),
        lambda text: text + ".x",
        lambda text: text + "é",
        lambda text: CANARY,
        lambda text: "",
    ],
)
async def test_a_damaged_text_does_not_open(keys: KeyFile, damage: Any) -> None:
    cipher = TokenCipher(keys)
    text = await cipher.seal(CANARY, A, "api_key")
    with pytest.raises(TokenUnreadable) as caught:
        await cipher.open(damage(text), A, "api_key")
    assert "canary" not in str(caught.value)


async def test_a_new_key_seals_and_the_old_one_still_opens(keys: KeyFile) -> None:
    cipher = TokenCipher(keys)
    old = await cipher.seal(CANARY, A, "api_key")
    assert await cipher.is_current(old)
    assert keys.add() == "2"
    new = await cipher.seal(CANARY, A, "api_key")
    assert (await cipher.is_current(old), await cipher.is_current(new)) == (False, True)
    assert [await cipher.open(text, A, "api_key") for text in (old, new)] == [CANARY, CANARY]
    assert keys.path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in keys.path.parent.iterdir()] == ["keys.json"]


async def test_the_tenth_key_is_newer_than_the_ninth(keys: KeyFile) -> None:
    for _ in range(9):
        keys.add()
    assert (await keys.newest()).name.version == "10"


def test_a_key_file_is_never_overwritten(keys: KeyFile) -> None:
    with pytest.raises(FileExistsError):
        KeyFile.create(keys.path)


async def test_a_missing_key_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(KeyInvalid, match="TOKEN_KEY_FILE: No such file"):
        await KeyFile(tmp_path / "none.json").newest()


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620, 0o601])
async def test_a_key_file_that_others_may_touch_is_refused(keys: KeyFile, mode: int) -> None:
    keys.path.chmod(mode)
    with pytest.raises(KeyInvalid, match="chmod 600"):
        await keys.newest()


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"1": "AAAA"}', '{"x": "AAAA"}', '{"1": 1}', '{"1": "é"}', "\udcff"],
)
async def test_a_key_file_that_holds_no_keys_is_refused(keys: KeyFile, content: str) -> None:
    keys.path.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(KeyInvalid, match="TOKEN_KEY_FILE: should hold"):
        await keys.newest()


def test_no_key_is_in_a_repr(keys: KeyFile) -> None:
    key = json.loads(keys.path.read_text())["1"]
    assert key not in repr(keys)


async def test_kms_wraps_a_key_for_every_token(kms: Any) -> None:
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    keys = KmsKeys(kms, key_id)
    one, two = [await TokenCipher(keys).seal(CANARY, A, "api_key") for _ in range(2)]
    assert one.split(".")[1] == key_id
    assert one.split(".")[2] != two.split(".")[2]
    elsewhere = TokenCipher(KmsKeys(kms, key_id))
    assert await elsewhere.open(one, A, "api_key") == CANARY
    with pytest.raises(TokenUnreadable):
        await elsewhere.open(one, B, "api_key")
    assert (await keys.newest()).plain not in repr(keys).encode()


async def test_another_kms_key_is_a_newer_version_and_the_old_one_still_opens(kms: Any) -> None:
    old, new = (kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
    text = await TokenCipher(KmsKeys(kms, old)).seal(CANARY, A, "api_key")
    cipher = TokenCipher(KmsKeys(kms, new))
    assert not await cipher.is_current(text)
    assert await cipher.open(text, A, "api_key") == CANARY


async def test_a_data_key_that_kms_did_not_wrap_does_not_open(kms: Any) -> None:
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    cipher = TokenCipher(KmsKeys(kms, key_id))
    parts = (await cipher.seal(CANARY, A, "api_key")).split(".")
    wrapped = base64.urlsafe_b64decode(parts[2] + "==")
    foreign = base64.urlsafe_b64encode(wrapped[:-4] + b"\0\0\0\0").decode().rstrip("=")
    with pytest.raises(TokenUnreadable):
        await cipher.open(".".join((*parts[:2], foreign, parts[3])), A, "api_key")


async def test_a_kms_that_is_away_is_not_a_lost_token() -> None:
    client = kms_at("http://127.0.0.1:9")
    with pytest.raises(KeysUnavailable):
        await KmsKeys(client, str(UUID(int=1))).newest()
    client.close()


async def test_a_kms_that_never_answers_is_given_up_in_time_to_say_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
        client = kms_client()
        async with asyncio.timeout(20):  # of the 60 s that botocore would wait for an answer
            with pytest.raises(KeysUnavailable):
                await KmsKeys(client, str(UUID(int=1))).newest()
        client.close()


async def test_a_kms_key_that_does_not_exist_is_not_a_lost_token_either(kms: Any) -> None:
    with pytest.raises(KeysUnavailable, match="NotFoundException"):
        await KmsKeys(kms, str(UUID(int=1))).newest()


async def test_only_so_many_keys_are_remembered(kms: Any) -> None:
    keys = KmsKeys(kms, kms.create_key()["KeyMetadata"]["KeyId"])
    for n in range(300):
        keys._remember(str(n).encode(), b"")
    assert len(keys._known) == 256
