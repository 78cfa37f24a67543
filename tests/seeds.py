"""The seeds of what draws lots for long: one for a run of everything, or those in CJ_SEEDS."""

from __future__ import annotations

import os

SEEDS = tuple(map(int, os.environ.get("CJ_SEEDS", "1").split()))
