"""Run by the Python that Lambda has, on a layer: which modules would it have to compile again?

Prints a JSON object of relative path and fault; empty when every `.pyc` is there, belongs to its
source, is taken without a look at time stamps and names the file by its path on Lambda.
"""

import importlib.util
import json
import marshal
import sys
from pathlib import Path

UNCHECKED_HASH = (1).to_bytes(4, "little")


def fault(source: Path, root: Path) -> str | None:
    """What is wrong with the compiled form of one module."""
    compiled = Path(importlib.util.cache_from_source(str(source)))
    if not compiled.exists():
        return "is not compiled"
    data = compiled.read_bytes()
    if data[:4] != importlib.util.MAGIC_NUMBER:
        return "is compiled for another Python"
    if data[4:8] != UNCHECKED_HASH:
        return "goes by time stamps or is checked"
    if data[8:16] != importlib.util.source_hash(source.read_bytes()):
        return "is compiled from another source"
    named = marshal.loads(data[16:]).co_filename
    on_lambda = f"/opt/python/{source.relative_to(root)}"
    return None if named == on_lambda else f"calls itself {named}"


if __name__ == "__main__":
    layer = Path(sys.argv[1])
    found = {str(s.relative_to(layer)): fault(s, layer) for s in sorted(layer.rglob("*.py"))}
    sys.stdout.write(json.dumps({name: why for name, why in found.items() if why}))
