"""Gymnasium-Robotics' Multi-Agent MuJoCo (`mamujoco_v1`), at the speed of its physics.

What its agents observe are numbers of MuJoCo's data, some kept within bounds. The environment collects them one by one;
here they are looked up in one call. Where a robot's agents observe anything else, the environment collects.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..team import Array, Team
from .infos import number_of
from .pettingzoo import PettingZooTeam

#: Arrays of MuJoCo's data that observations are made of.
_ARRAYS = ("qpos", "qvel", "qfrc_actuator", "cinert", "cvel", "cfrc_ext")
#: Next to nothing, which is within all bounds, and beyond all.
_SMALL, _LARGE = 1e-9, 1e30


class _Lookup:
    """From MuJoCo's data to what all agents observe, one after the other. Raises ValueError where that is more than a
    choice of its numbers, within bounds."""

    def __init__(self, observe: Callable[[Any], Any], data: Any) -> None:
        arrays = [np.asarray(getattr(data, name)) for name in _ARRAYS]
        sizes = [array.size for array in arrays]
        total = sum(sizes)

        def observed(numbers: Any) -> Any:
            parts = np.split(numbers, np.cumsum(sizes)[:-1])
            shaped = {name: part.reshape(array.shape) for name, part, array in zip(_ARRAYS, parts, arrays)}
            return observe(SimpleNamespace(**shaped))

        index = np.rint(observed(_SMALL * np.arange(total)) / _SMALL).astype(int)
        self._low, self._high = observed(np.full(total, -_LARGE)), observed(np.full(total, _LARGE))
        random = np.random.default_rng(0)
        for scale in (0.1, 1, 10, 100):
            numbers = scale * random.standard_normal(total)
            if not np.array_equal(observed(numbers), np.clip(numbers[index], self._low, self._high)):
                raise ValueError("observations are more than numbers of MuJoCo's data")
        self._bounded = bool((self._low > -_LARGE).any() or (self._high < _LARGE).any())
        # Of the arrays, those that are looked at.
        owner = np.repeat(np.arange(len(arrays)), sizes)
        used = np.unique(owner[index])
        self._names = [_ARRAYS[k] for k in used]
        self._index = (np.cumsum(np.isin(owner, used)) - 1)[index]

    def views(self, data: Any) -> list[Any]:
        """The arrays that are looked at, as they lie in memory."""
        return [np.asarray(getattr(data, name)).reshape(-1) for name in self._names]

    def __call__(self, views: Sequence[Any]) -> Any:
        numbers = np.concatenate(views)[self._index]
        return np.clip(numbers, self._low, self._high, out=numbers) if self._bounded else numbers


class MaMuJoCoTeam(PettingZooTeam):
    """All agents get the robot's reward, and act until its episode ends."""

    def __init__(self, env: Any, has_wins: bool, lookup: _Lookup, places: Any) -> None:
        self._robot = env.single_agent_env
        self._lookup, self._places = lookup, places
        super().__init__(env, has_wins)
        self.has_inactive = False

    def reset(self, seed: int | None) -> None:
        super().reset(seed)
        self._views = self._lookup.views(self._robot.unwrapped.data)

    def step(self, actions: Sequence[Any]) -> tuple[float, bool, bool]:
        action = np.empty(len(self._places))
        action[self._places] = np.concatenate(actions)
        _, reward, terminated, truncated, info = self._robot.step(action)
        if not (terminated or truncated):
            return number_of(reward), False, False
        self.env.agents = []
        self._tell([info])
        return number_of(reward), bool(terminated), not terminated

    def observe(self, out: Array) -> None:
        out[:] = self._lookup(self._views)

    def see(self, out: Array) -> None:
        Team.see(self, out)


def mamujoco_team(env: Any, has_wins: bool) -> MaMuJoCoTeam | None:
    """An environment of `mamujoco_v1` itself (not one that wraps it) as a team, if its observations can be looked up."""
    module = sys.modules.get("gymnasium_robotics.envs.multiagent_mujoco.mujoco_multi")
    if module is None or type(env) is not module.MultiAgentMujocoEnv or env.agent_obsk is None:
        return None
    places = [node.act_ids for partition in env.agent_action_partitions for node in partition]
    if sorted(places) != list(range(env.single_agent_env.action_space.shape[0])):
        return None
    build = module.build_obs

    def observe(data: Any) -> Any:
        seen = (env.local_categories, env.mujoco_globals, env.global_categories)
        return np.concatenate([build(data, joints, *seen) for joints in env.k_dicts])

    try:
        lookup = _Lookup(observe, env.single_agent_env.unwrapped.data)
    except Exception:  # noqa: BLE001 (whatever it does with data that is not MuJoCo's)
        return None
    return MaMuJoCoTeam(env, has_wins, lookup, np.array(places))
