"""Spaces of Gymnasium (or gym) as vectors and choices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


def write_vector(value: Any, out: Array) -> None:
    """Writes numbers of any shape into a row; they must fill it."""
    if getattr(value, "shape", None) == out.shape:
        out[:] = value
        return
    values = np.asarray(value)
    if values.size != out.size:
        raise ValueError(f"an observation or state has {values.size} numbers, its space has {out.size}")
    out[:] = values.reshape(-1)


def writer(space: Any) -> Callable[[Any, Array], None]:
    """Writes observations of a space into rows."""
    if type(space).__name__ != "Discrete":
        return write_vector
    start = int(getattr(space, "start", 0))

    def write_choice(value: Any, out: Array) -> None:
        out[:] = 0
        out[int(value) - start] = 1

    return write_choice


def taker(space: Any) -> Callable[[Any], Any] | None:
    """Makes an action what the environment takes, from a choice counted from 0 or a float32 vector; None: it is that."""
    if type(space).__name__ == "Discrete":
        start = int(getattr(space, "start", 0))
        return (lambda action: action + start) if start else None
    shape, dtype = space.shape, space.dtype
    if len(shape) == 1 and dtype == np.float32:
        return None
    if np.issubdtype(dtype, np.integer):
        return lambda action: np.rint(action).reshape(shape).astype(dtype)
    return lambda action: action.reshape(shape).astype(dtype)


def has_mask(space: Any) -> bool:
    """Whether an observation is a Dict of what is observed and what is allowed."""
    return type(space).__name__ == "Dict" and "action_mask" in space.spaces and "observation" in space.spaces


def mask_of(observation: Any, info: Any, masked: bool) -> Any:
    """What choices are allowed, by an observation that `has_mask`, or by an info; None: neither says."""
    if masked and observation is not None:
        return observation["action_mask"]
    return info.get("action_mask") if isinstance(info, Mapping) else None


def write_mask(mask: Any, out: Array) -> None:
    """Writes which choices are allowed; all where no mask says."""
    if mask is None:
        out[:] = 1
        return
    if len(mask) != out.size:
        raise ValueError(f"an action mask has {len(mask)} numbers, there are {out.size} choices")
    out[:] = mask


def steps_per_second(env: Any) -> float | None:
    """What an environment says of its own speed (`metadata["render_fps"]`)."""
    found: Any = (getattr(env, "metadata", None) or {}).get("render_fps")
    try:
        rate = float(found)
    except (TypeError, ValueError):
        return None
    return rate if rate > 0 else None
