"""Spaces of Gymnasium (or gym) as vectors and choices."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..team import Array, Box, Discrete, SetupError, Space


def observation_space(space: Any, what: str) -> Box:
    """A vector space that holds an observation, flattened; a choice becomes one-hot."""
    kind = type(space).__name__
    if kind == "Discrete":
        return Box(np.zeros(int(space.n), np.float32), np.ones(int(space.n), np.float32))
    if kind in ("Box", "MultiBinary"):
        size = int(np.prod(space.shape, dtype=int))
        low = getattr(space, "low", 0)
        high = getattr(space, "high", 1)
        return Box(
            np.broadcast_to(low, space.shape).astype(np.float32).reshape(size),
            np.broadcast_to(high, space.shape).astype(np.float32).reshape(size),
        )
    raise SetupError(
        f"{what} is {kind}, must be Box, Discrete or MultiBinary: flatten it with a wrapper in a factory of your own"
    )


def action_space(space: Any, what: str) -> Space:
    """A vector or a choice."""
    kind = type(space).__name__
    if kind == "Discrete":
        return Discrete(int(space.n))
    if kind == "Box":
        return observation_space(space, what)
    raise SetupError(f"{what} is {kind}, must be Box or Discrete: flatten it with a wrapper in a factory of your own")


def write_observation(space: Any, value: Any, out: Array) -> None:
    """Writes an observation of a space into a row."""
    if type(space).__name__ == "Discrete":
        out[:] = 0
        out[int(value) - int(getattr(space, "start", 0))] = 1
        return
    values = np.asarray(value)
    if values.size != out.size:
        raise ValueError(f"an observation has {values.size} numbers, its space has {out.size}")
    out[:] = values.reshape(-1)


def native_action(space: Any, action: Any) -> Any:
    """An action as the environment takes it."""
    if type(space).__name__ == "Discrete":
        return int(action) + int(getattr(space, "start", 0))
    return np.asarray(action).reshape(space.shape).astype(space.dtype, copy=True)
