"""Multi-Agent Particle Environments (`mpe2`, `pettingzoo.mpe`), at the speed of their worlds.

They are made as environments whose agents take turns, and converted to ones in which all act at the same time: more than
half of a step is spent on turns, and each agent's observation is made twice. Here the world takes its step at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..team import Array, Box, Discrete
from .infos import number_of
from .pettingzoo import PettingZooTeam

#: Where their common class is.
_MODULES = ("mpe2._mpe_utils.simple_env", "pettingzoo.mpe._mpe_utils.simple_env")
#: What a step and an observation are made of.
_METHODS = ("step", "reset", "observe", "state")
#: PettingZoo's own, which do nothing to valid actions but look at them and keep them within bounds.
_WRAPPERS = ("aec_to_parallel_wrapper", "OrderEnforcingWrapper", "AssertOutOfBoundsWrapper", "ClipOutOfBoundsWrapper")
#: How many steps the two ways to play are compared for.
_COMPARED = 30

#: Whether they were the same, by the class of an environment.
_same: dict[type, bool] = {}


class MpeTeam(PettingZooTeam):
    """All agents act until the episode ends. The team's reward is the mean of theirs."""

    def __init__(self, env: Any, has_wins: bool) -> None:
        super().__init__(env, has_wins)
        self._particles = env.unwrapped
        self.has_inactive = False
        bounded = [space for space in self.action_spaces if isinstance(space, Box)]
        self._bounds = [(space.low, space.high) for space in bounded] or None

    def step(self, actions: Sequence[Any]) -> tuple[float, bool, bool]:
        env = self._particles
        if self._bounds:
            actions = [np.clip(action, low, high) for action, (low, high) in zip(actions, self._bounds)]
        env.current_actions = list(actions)
        env._execute_world_step()
        env.steps += 1
        reward = number_of(sum(env.rewards.values()) / len(env.rewards))
        truncated = env.steps >= env.max_cycles
        terminated = not truncated and hasattr(env.scenario, "is_terminal") and env.scenario.is_terminal(env.world)
        if truncated or terminated:
            self._tell(env.infos.values())
        return reward, bool(terminated), truncated

    def observe(self, out: Array) -> None:
        world, observation = self._particles.world, self._particles.scenario.observation
        np.concatenate([observation(agent, world) for agent in world.agents], out=out, casting="unsafe")

    def state(self, out: Array) -> None:
        self.observe(out)

    def see(self, out: Array) -> None:
        half = out.size // 2
        self.observe(out[:half])
        out[half:] = out[:half]


def _played(team: PettingZooTeam) -> list[Any]:
    """What happens in the first steps from a seed, with actions from another."""
    random = np.random.default_rng(1)
    row = np.empty(2 * team.state_space.size, np.float32)
    team.reset(0)
    team.see(row)
    seen: list[Any] = [row.tolist()]
    for _ in range(_COMPARED):
        actions = [
            int(random.integers(space.n))
            if isinstance(space, Discrete)
            else random.uniform(0, 1, space.size).astype(np.float32)
            for space in team.action_spaces
        ]
        reward, terminated, truncated = team.step(actions)
        team.see(row)
        seen.append((reward, terminated, truncated, row.tolist()))
        if terminated or truncated:
            seen.append((team.won, team.told))
            break
    return seen


def mpe_team(env: Any, has_wins: bool) -> MpeTeam | None:
    """One of these environments itself (not one that others wrap) as a team; None where its world alone does not play
    what it plays."""
    bases = [getattr(sys.modules.get(name), "SimpleEnv", None) for name in _MODULES]
    own = env.unwrapped if hasattr(env, "unwrapped") else env
    base = next((base for base in bases if base and isinstance(own, base)), None)
    if base is None or any(getattr(type(own), name) is not getattr(base, name) for name in _METHODS):
        return None
    wrapper = env
    while wrapper is not own:
        if type(wrapper).__name__ not in _WRAPPERS or not type(wrapper).__module__.startswith("pettingzoo.utils."):
            return None
        wrapper = wrapper.aec_env if hasattr(wrapper, "aec_env") else wrapper.env
    try:
        team = MpeTeam(env, has_wins)
        if type(own) not in _same:
            _same[type(own)] = _played(PettingZooTeam(env, has_wins)) == _played(team)
    except Exception:  # noqa: BLE001 (whatever a release has changed)
        _same[type(own)] = False
    return team if _same[type(own)] else None
