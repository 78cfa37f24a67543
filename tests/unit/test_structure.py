"""The shape of the code: sizes, names, who imports whom, what the locks hold.

Where a rule makes the code worse, change the rule here and say why in the same commit.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULE_LINES = 300
FUNCTION_LINES = 40
COMPLEXITY = 10
EDGE_LINES = 60
HTTP_EDGE_LINES = 120

MADE = {"node_modules", "dist", "build", "__pycache__", "test-results"}
LOCKS = [*ROOT.glob("requirements/*.txt"), ROOT / "layers/shared/requirements.txt"]
OF_ITS_OWN = {"sam.txt"}  # installed into an environment of its own, beside nothing of ours
INDEX_ADDRESS = re.compile(r"https?://|--index|--find-links|--extra-index")
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)

VAGUE = re.compile(r"(^|_)(utils?|common|helpers?|services?|managers?)$", re.IGNORECASE)
VAGUE_VERB = re.compile(r"^_*(process|handle|manage)_", re.IGNORECASE)
NAMED_BY_A_LIBRARY = {"handle_parser_exception"}  # websockets calls it
OF_ONE_MACHINE = re.compile(r"(?<![\w./-])/(root|home|Users|work|mnt)/[\w.-]+")
INDEX_HOST = re.compile(r"\b(pypi|pythonhosted|npmjs|yarnpkg)\.(org|com)\b")
TICKET = re.compile(r"\b(issue|ticket) #?\d", re.IGNORECASE)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")


@cache
def sources() -> tuple[Path, ...]:
    """Every file that people wrote or a tool locked; nothing installed, built or kept as data."""
    found = []
    for folder, inner, names in os.walk(ROOT):
        inner[:] = [n for n in inner if n not in MADE and (n[0] != "." or n == ".ci")]
        found += [Path(folder, name) for name in names if not name.startswith(".coverage")]
    return tuple(p for p in found if not p.is_symlink())


def python_files() -> list[Path]:
    return [p for p in sources() if p.suffix == ".py"]


def product_files() -> list[Path]:
    top = ("functions", "layers", "local")
    return [p for p in python_files() if p.relative_to(ROOT).parts[0] in top]


def functions_of(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def text_files() -> list[Path]:
    return [p for p in sources() if p.suffix not in {".png", ".jpg", ".ico", ".woff2", ".gz"}]


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def program(name: str) -> Path:
    """A tool of this very environment."""
    return Path(sys.executable).with_name(name)


def where(path: Path, detail: object) -> str:
    return f"{path.relative_to(ROOT)}: {detail}"


def test_no_module_is_longer_than_its_budget() -> None:
    assert not [where(p, lines(p)) for p in python_files() if lines(p) > MODULE_LINES]


def test_no_function_is_longer_than_its_budget() -> None:
    long = [
        where(path, f"{f.name} has {size} lines")
        for path in python_files()
        for f in functions_of(path)
        if (size := (f.end_lineno or f.lineno) - f.lineno + 1) > FUNCTION_LINES
    ]
    assert not long


def test_no_function_branches_more_than_its_budget() -> None:
    rule = ["--select", "C901", "--config", f"lint.mccabe.max-complexity={COMPLEXITY}"]
    checked = subprocess.run(
        [program("ruff"), "check", "--isolated", "--quiet", *rule, *python_files()],
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_edges_are_thin() -> None:
    edges = [p for p in product_files() if p.relative_to(ROOT).parts[0] == "functions"]
    assert any(p.name == "app.py" for p in edges)
    budgets = {p: HTTP_EDGE_LINES if "make_api(" in p.read_text() else EDGE_LINES for p in edges}
    assert not [where(p, lines(p)) for p, most in budgets.items() if lines(p) > most]


def test_names_say_what_a_thing_is_and_does() -> None:
    modules = [p for p in product_files() if VAGUE.search(p.stem) or VAGUE.search(p.parent.name)]
    assert not modules
    assert not [
        where(path, f.name)
        for path in product_files()
        for f in functions_of(path)
        if VAGUE_VERB.match(f.name) and f.name not in NAMED_BY_A_LIBRARY
    ]


def test_every_module_says_what_it_is() -> None:
    silent = [
        where(path, "has no docstring")
        for path in product_files()
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert not silent


def test_the_import_contracts_are_kept() -> None:
    linted = subprocess.run([program("lint-imports")], cwd=ROOT, capture_output=True, text=True)
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_nothing_is_left_for_later() -> None:
    assert not [
        where(path, found[0])
        for path in sources()
        if path.suffix in {".py", ".ts", ".tsx", ".sql", ".yaml", ".sh"} and path != Path(__file__)
        if (found := UNFINISHED.search(path.read_text()))
    ]


@pytest.mark.parametrize("foreign", [OF_ONE_MACHINE, INDEX_HOST, TICKET], ids=str)
def test_no_file_names_what_is_none_of_the_project(foreign: re.Pattern[str]) -> None:
    assert not [
        where(path, found[0])
        for path in text_files()
        if (found := foreign.search(path.read_text(errors="replace")))
    ]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda p: p.parent.name + "/" + p.name)
def test_a_lock_holds_hashes_and_no_address_of_an_index(lock: Path) -> None:
    text = lock.read_text()
    pins = PIN.findall(text)
    assert pins
    assert not INDEX_ADDRESS.findall(text)
    assert all(" \\\n    --hash=sha256:" in block for block in _blocks(text)), lock


def _blocks(lock: str) -> list[str]:
    """One text per pinned package with all its hashes."""
    return re.split(r"^(?=\S)", lock, flags=re.MULTILINE)[1:]


def test_the_page_s_lock_holds_hashes_and_no_address_of_an_index() -> None:
    lock = json.loads((ROOT / "web/package-lock.json").read_text())
    packages = {name: p for name, p in lock["packages"].items() if name and not p.get("link")}
    assert packages
    assert not [name for name, p in packages.items() if "resolved" in p]
    assert not [name for name, p in packages.items() if "integrity" not in p]


def test_a_package_has_the_same_versions_wherever_it_is_locked() -> None:
    versions: dict[str, dict[str, set[str]]] = {}
    for lock in LOCKS:
        if lock.name not in OF_ITS_OWN:
            for name, version in PIN.findall(lock.read_text()):  # a version for each Python
                versions.setdefault(name, {}).setdefault(str(lock), set()).add(version)
    assert not {name: v for name, v in versions.items() if len(set(map(frozenset, v.values()))) > 1}


def test_the_layer_s_lock_is_the_same_for_every_machine() -> None:
    """pip evaluates markers on the machine that builds, not on the one that it builds for."""
    lock = (ROOT / "layers/shared/requirements.txt").read_text()
    markers = [line.partition(";")[2] for line in lock.splitlines() if ";" in line]
    assert not [m for m in markers if re.search(r"platform_machine|sys_platform|os_name", m)]
