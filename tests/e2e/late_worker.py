"""The product's own turn worker, which begins when a test opens the gate: a file that goes away."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from functions.turn_worker import app as turn_worker

GATE = "WORKER_GATE"
PATIENCE_S = 60
_ROOT = Path(__file__).resolve().parents[2]


def turn(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """One turn of CJ, once it may begin."""
    gate, ends = Path(os.environ[GATE]), time.monotonic() + PATIENCE_S
    while gate.exists() and time.monotonic() < ends:
        time.sleep(0.02)
    return turn_worker.handler(event, context)


def template_with(gate: Path) -> Path:
    """The product's template with this worker in it, beside the gate."""
    gate.touch()
    gate.with_name("web").symlink_to(_ROOT / "web")  # the page is served from beside the template
    text = (_ROOT / "template.yaml").read_text()
    for part in ("functions", "layers"):
        text = text.replace(f"Uri: {part}/", f"Uri: {_ROOT / part}/")
    handler = "CodeUri: {}\n      Handler: {}\n"
    for old, new in (
        ("\n        PUBLIC_URL:", f"\n        {GATE}: {gate}\n        PUBLIC_URL:"),
        (
            handler.format(_ROOT / "functions/turn_worker", "functions.turn_worker.app.handler"),
            handler.format(_ROOT / "tests/e2e", "tests.e2e.late_worker.turn"),
        ),
    ):
        assert text.count(old) == 1, f"the template has changed: {old!r}"
        text = text.replace(old, new)
    template = gate.with_name("template.yaml")
    template.write_text(text)
    return template
