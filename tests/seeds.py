"""The seeds of whatever draws lots for long: one in a run of everything, those of CJ_SEEDS else."""

from __future__ import annotations

import os

SEEDS = tuple(map(int, os.environ.get("CJ_SEEDS", "1").split()))
