"""The keys that tokens are sealed with, and the file that holds them on one machine."""

from __future__ import annotations

import base64
import json
import os
import secrets
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from cj.shopify.errors import KeyInvalid, TokenUnreadable

if TYPE_CHECKING:
    from pathlib import Path

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class KeyName:
    """Stored beside what was sealed: which key it was, and the key itself if KMS wrapped it."""

    version: str
    wrapped: bytes = b""


@dataclass(frozen=True, slots=True)
class DataKey:
    """A key to seal with."""

    name: KeyName
    plain: bytes = field(repr=False)


class Keys(Protocol):
    """Where keys come from: cj.shopify.kms on AWS, a KeyFile on one machine."""

    async def newest(self) -> DataKey:
        """The key for what is sealed from now on."""
        ...

    async def opened(self, name: KeyName) -> bytes:
        """The key something was sealed with. Raises TokenUnreadable where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class KeyFile:
    """`{"1": "<base64>", "2": ...}`, mode 0600; the highest number is the newest.

    Read at every use: another process may have added a key.
    """

    path: Path

    @classmethod
    def create(cls, path: Path) -> KeyFile:
        """A new file with one key. Raises FileExistsError: a key that sealed something is kept."""
        made = cls(path)
        made._write({"1": secrets.token_bytes(KEY_BYTES)})
        return made

    def add(self) -> str:
        """A newer key beside the others; gives its version. Rotate the tokens afterwards."""
        keys = self._read()
        version = str(max(map(int, keys)) + 1)
        draft = KeyFile(self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}"))
        draft._write({**keys, version: secrets.token_bytes(KEY_BYTES)})
        draft.path.replace(self.path)
        return version

    async def newest(self) -> DataKey:
        """The key with the highest number."""
        keys = self._read()
        version = max(keys, key=int)
        return DataKey(KeyName(version), keys[version])

    async def opened(self, name: KeyName) -> bytes:
        """The key of that number."""
        try:
            return self._read()[name.version]
        except KeyError:
            raise TokenUnreadable("TOKEN_KEY_FILE does not hold the key of this token") from None

    def _read(self) -> dict[str, bytes]:
        try:
            with self.path.open("rb") as file:
                if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                    raise KeyInvalid("TOKEN_KEY_FILE: others may read it; run chmod 600 on it")
                return _keys(file.read())
        except OSError as error:
            raise KeyInvalid(f"TOKEN_KEY_FILE: {error.strerror}; it should be a file") from None

    def _write(self, keys: dict[str, bytes]) -> None:
        text = json.dumps({k: base64.b64encode(v).decode() for k, v in keys.items()})
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())


def _keys(text: bytes) -> dict[str, bytes]:
    try:
        found = {
            str(int(version)): base64.b64decode(key, validate=True)
            for version, key in json.loads(text).items()
        }
    except (ValueError, AttributeError, TypeError):
        found = {}
    if not found or any(len(key) != KEY_BYTES for key in found.values()):
        raise KeyInvalid('TOKEN_KEY_FILE: should hold {"1": "<32 bytes in base64>"}')
    return found
