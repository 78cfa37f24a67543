"""The product's own handlers with a rehearsed model, each writing down what it is doing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from cj.runtime import app

from functions.archiver import app as archiver
from functions.turn_worker import app as turn_worker
from functions.ws_message import app as ws_message
from tests.chaos.diary import FOLDER, Diary
from tests.chaos.rehearsed import Rehearsed

diary = Diary(Path(os.environ[FOLDER]))
model = Rehearsed(diary)


def turn(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """One turn of CJ, as the rehearsed model plays it."""
    app().model = model
    with diary.doing("turn", cid=event["cid"], turn=event["turn"]):
        return turn_worker.handler(event, context)


def message(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """One frame from a browser."""
    with diary.doing("message", cid=_cid_of(event.get("body") or "")):
        return ws_message.handler(event, context)


def sweep(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The archiver's run."""
    with diary.doing("sweep"):
        return archiver.handler(event, context)


def _cid_of(body: str) -> str | None:
    try:
        frame = json.loads(body)
    except ValueError:
        return None
    cid = frame.get("cid") if isinstance(frame, dict) else None
    return cid if isinstance(cid, str) else None
