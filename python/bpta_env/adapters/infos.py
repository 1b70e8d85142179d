"""What environments tell in their infos."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

import numpy as np

#: Names under which environments tell of a win.
WINS = ("won", "battle_won", "is_success")


def won(info: Mapping[str, Any]) -> bool:
    """Whether an info tells of a win, by the first of the names that it has."""
    return next((bool(info[name]) for name in WINS if name in info), False)


def numbers_of(infos: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Finite numbers and truth values, wins aside, by name: the mean over the infos that have it."""
    told: dict[str, list[float]] = {}
    for info in infos:
        for name, value in info.items():
            if name not in WINS and isinstance(value, (Real, np.bool_)) and math.isfinite(value):
                told.setdefault(str(name), []).append(float(value))
    return {name: sum(values) / len(values) for name, values in told.items()}
