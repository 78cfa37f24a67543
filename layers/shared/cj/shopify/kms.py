"""Keys wrapped by AWS KMS: only who may call Decrypt with that key reads a token."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cj.shopify.errors import KeysUnavailable, TokenUnreadable
from cj.shopify.keys import DataKey, KeyName

_REMEMBERED = 256
_CONTEXT = {"purpose": "cj shopify token"}
_WRONG = ("InvalidCiphertextException", "IncorrectKeyException", "NotFoundException")


def kms_client() -> Any:
    """boto3's, which gives up while somebody still waits for the page that says so."""
    retries: Any = {"total_max_attempts": 2}
    return boto3.client("kms", config=Config(connect_timeout=1, read_timeout=2, retries=retries))


@dataclass(frozen=True, slots=True)
class KmsKeys:
    """A fresh data key for everything sealed, wrapped by the KMS key `key_id`.

    `client` is boto3's. The version is the KMS key's own id: a new key is a new version.
    """

    client: Any
    key_id: str
    _known: OrderedDict[bytes, bytes] = field(default_factory=OrderedDict, repr=False)

    async def newest(self) -> DataKey:
        """A new data key. Raises KeysUnavailable."""
        made = await self._call("generate_data_key", KeyId=self.key_id, KeySpec="AES_256")
        name = KeyName(made["KeyId"].rpartition("/")[2], made["CiphertextBlob"])
        self._remember(name.wrapped, made["Plaintext"])
        return DataKey(name, made["Plaintext"])

    async def opened(self, name: KeyName) -> bytes:
        """Unwrapped by KMS, once per process."""
        if name.wrapped not in self._known:
            found = await self._call("decrypt", CiphertextBlob=name.wrapped)
            self._remember(name.wrapped, found["Plaintext"])
        return self._known[name.wrapped]

    async def _call(self, verb: str, **arguments: Any) -> dict[str, Any]:
        call = getattr(self.client, verb)
        try:
            found = await asyncio.to_thread(call, EncryptionContext=_CONTEXT, **arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] in _WRONG and verb == "decrypt":
                raise TokenUnreadable("KMS does not open this data key") from None
            raise KeysUnavailable(error.response["Error"]["Code"]) from error
        except BotoCoreError as error:
            raise KeysUnavailable(type(error).__name__) from error
        return dict(found)

    def _remember(self, wrapped: bytes, plain: bytes) -> None:
        self._known[wrapped] = plain
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
