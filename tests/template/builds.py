"""The two builds that `make build` leaves behind, and what Lambda would add to them."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.template.expansion import ROOT, declared

if TYPE_CHECKING:
    from collections.abc import Iterator

# e_machine of the ELF header, and what `uname -m` calls it.
ELF_MACHINES = {0xB7: "arm64", 0x3E: "x86_64"}
HERE = "arm64" if os.uname().machine in ("aarch64", "arm64") else "x86_64"


@dataclass(frozen=True, slots=True)
class Build:
    """What `sam build` made for one architecture."""

    folder: Path
    architecture: str

    @property
    def layer(self) -> Path:
        """What Lambda has at /opt/python."""
        return self.folder / "SharedLayer" / "python"

    def functions(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Logical id and properties as they stand in the built template."""
        for name, resource in declared(self.folder / "template.yaml")["Resources"].items():
            if resource["Type"] == "AWS::Serverless::Function":
                yield name, resource["Properties"]

    def handler(self, function: str) -> str:
        """The import name that Lambda is told."""
        return str(dict(self.functions())[function]["Handler"])

    def libraries(self) -> Iterator[Path]:
        """Every compiled library, of the layer and of the functions."""
        return (p for p in self.folder.rglob("*.so*") if p.is_file())


TO_DEPLOY = Build(ROOT / ".aws-sam" / "build", "arm64")
TO_INVOKE = Build(ROOT / ".aws-sam-here" / "build", HERE)
LAMBDA_BRINGS = ROOT / ".aws-sam-here" / "host"


def machine_of(library: Path) -> str:
    """The architecture in an ELF header; fails on what is no 64-bit ELF file."""
    magic, bits, machine = struct.unpack("<4sB13xH", library.read_bytes()[:20])
    assert (magic, bits) == (b"\x7fELF", 2), library
    return ELF_MACHINES[machine]


def python313() -> Path:
    """The Python of Lambda; `make build` has looked for one that works and names it."""
    return Path(os.environ.get("PYTHON313", "python3.13"))
