"""docs/gateway.md lists every documented behaviour the gateway copies, each with its test."""

import ast
import re
from pathlib import Path

FOLDER = Path(__file__).parent
DOCUMENT = FOLDER.parents[1] / "docs" / "gateway.md"
SOURCES = ("AWS: ", "Captured: ", "RFC ", "Reported: ", "Remembered: ")
ROW = re.compile(r"^\| (?P<source>.+?) \| `(?P<file>test_\w+\.py)` `(?P<test>test_\w+)` \|$")


def copied_behaviours():
    """(file, test) -> the page or captured event its docstring names."""
    found = {}
    for path in sorted(FOLDER.glob("test_*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                says = " ".join((ast.get_docstring(node) or "").split())
                if node.name.startswith("test_") and says.startswith(SOURCES):
                    found[path.name, node.name] = says
    return found


def listed_behaviours():
    rows = map(ROW.match, DOCUMENT.read_text().splitlines())
    return {(row["file"], row["test"]): row["source"] for row in rows if row}


def row(behaviour):
    (file, test), source = behaviour
    return f"| {source} | `{file}` `{test}` |"


def test_the_document_lists_what_is_tested_and_nothing_else():
    """What is missing is printed as the row to add, what is left over as the row to delete."""
    listed, copied = listed_behaviours().items(), copied_behaviours().items()
    assert [row(each) for each in sorted(copied - listed)] == []
    assert [row(each) for each in sorted(listed - copied)] == []


def test_at_least_thirty_five_documented_behaviours_are_copied():
    assert len(copied_behaviours()) >= 35
