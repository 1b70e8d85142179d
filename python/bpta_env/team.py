"""What is served: a team of agents in an environment."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class SetupError(Exception):
    """Something must be installed or changed; the message is one line that says what."""


@dataclass(frozen=True)
class Discrete:
    """One of n choices, 0 to n − 1."""

    n: int


@dataclass(frozen=True)
class Box:
    """A vector; each number within its bounds, which may be infinite."""

    low: Array
    high: Array

    @property
    def size(self) -> int:
        return int(self.low.size)

    @staticmethod
    def unbounded(size: int) -> Box:
        return Box(np.full(size, -np.inf, np.float32), np.full(size, np.inf, np.float32))


Space = Union[Box, Discrete]


class Team(ABC):
    """One copy of an environment. Adapters derive from it; see README.md."""

    agents: Sequence[str]
    observation_spaces: Sequence[Box]
    action_spaces: Sequence[Space]
    state_space: Box
    has_masks: bool = False
    has_inactive: bool = False
    has_wins: bool = False
    renders: bool = False
    #: Steps in a second, where that means something: how fast pictures are shown.
    steps_per_second: float | None = None
    #: Whether the episode that just ended was won.
    won: bool = False
    #: Numbers that were told at the end of that episode, by name.
    told: Mapping[str, float] = MappingProxyType({})

    @abstractmethod
    def reset(self, seed: int | None) -> None:
        """Starts an episode; with a seed, random numbers start anew from it."""

    @abstractmethod
    def step(self, actions: Sequence[Any]) -> tuple[float, bool, bool]:
        """Takes the actions of all agents (those of inactive ones mean nothing): an int or a float32 vector each.

        Returns the team's reward, and whether the episode was terminated, and whether it was truncated.
        """

    @abstractmethod
    def observe(self, out: Array) -> None:
        """Writes what the agents observe, one after the other in one row; zeros for those who are gone."""

    @abstractmethod
    def state(self, out: Array) -> None:
        """Writes the whole situation, for a centralised critic."""

    def see(self, out: Array) -> None:
        """Writes what `observe` does and, after it, what `state` does."""
        observed = out.size - self.state_space.size
        self.observe(out[:observed])
        self.state(out[observed:])

    def active(self, out: Array) -> None:
        """Writes 1 for each agent that can act, 0 for the others. `out` is the same each time, and all 1 at first."""

    def masks(self, out: Sequence[Array]) -> None:
        """Writes, by agent with choices, 1 where a choice is allowed and 0 where not. `out` is as in `active`."""

    def render(self) -> Any:
        """The picture of now: uint8 [height, width, 3]."""
        raise SetupError("this environment has no frames to show")

    def scene(self, final: bool) -> Any:
        """What a recorder in bpta makes a recording from, as JSON-able data: of now, or, `final`, of how the last episode
        ended that was followed by a reset without a seed."""
        raise SetupError("this environment has no scenes to show")

    def close(self) -> None:
        """Lets go of everything."""
