"""What environments tell in their infos."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

import numpy as np

#: Names under which environments tell of a win.
WINS = ("won", "battle_won", "is_success")


def tells_wins(env: Any) -> bool:
    """Whether an environment, or the one that it wraps, says that its infos tell of wins: `has_wins`, its own or in its
    metadata."""
    for layer in (env, getattr(env, "unwrapped", env)):
        metadata = getattr(layer, "metadata", None) or {}
        if getattr(layer, "has_wins", False) or metadata.get("has_wins", False):
            return True
    return False


def won(info: Any) -> bool:
    """Whether an info tells of a win, by the first of the names that it has."""
    return isinstance(info, Mapping) and next((bool(info[name]) for name in WINS if name in info), False)


def numbers_of(infos: Iterable[Any], has_wins: bool = True) -> dict[str, float]:
    """Finite numbers and truth values by name, those that tell of wins aside: the mean over the infos that have it."""
    told: dict[str, list[float]] = {}
    for info in infos:
        for name, value in info.items() if isinstance(info, Mapping) else ():
            if (has_wins and name in WINS) or not isinstance(value, (Real, np.bool_)):
                continue
            try:
                number = float(value)
            except OverflowError:
                continue
            if math.isfinite(number):
                told.setdefault(str(name), []).append(number)
    return {name: sum(values) / len(values) for name, values in told.items()}


def number_of(reward: Any) -> float:
    """A reward as a number, also where it is an array that holds one."""
    try:
        return float(reward)
    except (TypeError, ValueError):
        numbers = np.asarray(reward)
        if numbers.size != 1 or numbers.dtype.kind not in "biuf":
            raise TypeError(f"a reward is {reward!r}, must be a number") from None
        return float(numbers.reshape(-1)[0])
