"""PettingZoo's parallel interface; AEC goes through PettingZoo's own converter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..team import Array, Box, Team
from .spaces import action_space, observation_space, taker, writer


def _has_mask(space: Any) -> bool:
    return type(space).__name__ == "Dict" and "action_mask" in space.spaces and "observation" in space.spaces


class PettingZooTeam(Team):
    """The team's reward is the mean over the agents that took the step."""

    def __init__(self, env: Any) -> None:
        self.env = env
        self.agents = [str(agent) for agent in env.possible_agents]
        self._names = list(env.possible_agents)
        native = [env.observation_space(agent) for agent in self._names]
        self._dict = [_has_mask(space) for space in native]
        self._observed = [s.spaces["observation"] if d else s for s, d in zip(native, self._dict)]
        self._acted = [env.action_space(agent) for agent in self._names]
        self.observation_spaces = [
            observation_space(space, f"the observation space of {agent}")
            for space, agent in zip(self._observed, self._names)
        ]
        self.action_spaces = [
            action_space(space, f"the action space of {agent}") for space, agent in zip(self._acted, self._names)
        ]
        self._take = [taker(space) for space in self._acted]
        self._write = [writer(s, masked) for s, masked in zip(self._observed, self._dict)]
        self.has_inactive = True
        self.renders = getattr(env, "render_mode", None) == "rgb_array"
        self._observations: dict[Any, Any] = {}
        self._infos: dict[Any, Any] = {}
        self.reset(0)
        self.has_masks = any(self._mask(i) is not None for i in range(len(self._names)))
        self.has_wins = bool(getattr(env, "has_wins", False)) or bool(
            getattr(env, "metadata", {}).get("has_wins", False)
        )
        try:
            own = np.asarray(env.state())
            self._own_state = own.size > 0 and own.dtype != object
        except (NotImplementedError, AttributeError):
            self._own_state = False
        self._write_state = writer(None, False)
        if self._own_state:
            self.state_space = Box.unbounded(int(own.size))
        else:
            self.state_space = Box(
                np.concatenate([space.low for space in self.observation_spaces]),
                np.concatenate([space.high for space in self.observation_spaces]),
            )

    def _mask(self, i: int) -> Any:
        name = self._names[i]
        if self._dict[i] and name in self._observations:
            return self._observations[name]["action_mask"]
        return self._infos.get(name, {}).get("action_mask")

    def reset(self, seed: int | None) -> None:
        self._observations, self._infos = self.env.reset(seed=seed)

    def step(self, actions: Sequence[Any]) -> tuple[float, bool, bool]:
        env = self.env
        alive = env.agents
        taken: dict[Any, Any]
        if len(alive) == len(self._names):
            taken = {name: take(action) for name, take, action in zip(self._names, self._take, actions)}
        else:
            taken = {n: take(action) for n, take, action in zip(self._names, self._take, actions) if n in alive}
        self._observations, rewards, terminations, truncations, self._infos = env.step(taken)
        total, count = 0.0, 0
        for name in taken:
            if name in rewards:
                total += rewards[name]
                count += 1
        reward = float(total / count) if count else 0.0
        for name in env.agents:
            if not (terminations.get(name, True) or truncations.get(name, True)):
                return reward, False, False
        truncated = any(truncations.get(name, False) for name in taken)
        self.won = any(
            bool(info.get("won", info.get("battle_won", info.get("is_success", False))))
            for info in self._infos.values()
        )
        return reward, not truncated, truncated

    def observe(self, out: Sequence[Array]) -> None:
        observations = self._observations
        for name, write, row in zip(self._names, self._write, out):
            value = observations.get(name)
            if value is None:
                row[:] = 0
            else:
                write(value, row)

    def state(self, out: Array) -> None:
        if self._own_state:
            self._write_state(self.env.state(), out)
            return
        offset = 0
        rows = []
        for space in self.observation_spaces:
            rows.append(out[offset : offset + space.size])
            offset += space.size
        self.observe(rows)

    def active(self, out: Array) -> None:
        alive = self.env.agents
        if len(alive) == len(self._names):
            out[:] = 1
            return
        for i, name in enumerate(self._names):
            out[i] = name in alive

    def masks(self, out: Sequence[Array]) -> None:
        alive = self.env.agents
        for i, name in enumerate(self._names):
            mask = self._mask(i) if name in alive else None
            if out[i].size:
                out[i][:] = 1 if mask is None else mask

    def render(self) -> Any:
        return self.env.render()

    def close(self) -> None:
        self.env.close()
