"""PettingZoo's parallel interface; AEC goes through PettingZoo's own converter."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from ..team import Array, Box, Team
from .infos import numbers_of, won
from .spaces import action_space, observation_space, steps_per_second, taker, write_vector, writer

#: Modules of environments whose `state()` is what the agents observe, computed once more.
_OBSERVED_STATES = ("mpe2.", "pettingzoo.mpe.")


def _has_mask(space: Any) -> bool:
    return type(space).__name__ == "Dict" and "action_mask" in space.spaces and "observation" in space.spaces


class PettingZooTeam(Team):
    """The team's reward is the mean over the agents that took the step."""

    def __init__(self, env: Any) -> None:
        self.env = env
        self._names = list(env.possible_agents)
        self.agents = [str(agent) for agent in self._names]
        native = [env.observation_space(agent) for agent in self._names]
        self._masked = [_has_mask(space) for space in native]
        observed = [s.spaces["observation"] if masked else s for s, masked in zip(native, self._masked)]
        acted = [env.action_space(agent) for agent in self._names]
        self.observation_spaces = [
            observation_space(space, f"the observation space of {agent}") for space, agent in zip(observed, self._names)
        ]
        self.action_spaces = [
            action_space(space, f"the action space of {agent}") for space, agent in zip(acted, self._names)
        ]
        takers = [taker(space) for space in acted]
        self._takers = takers if any(takers) else None
        self._writers = [writer(space) for space in observed]
        self.has_inactive = True
        self.renders = getattr(env, "render_mode", None) == "rgb_array"
        self.steps_per_second = steps_per_second(env)
        #: Whether an agent could not act when `active` was asked last.
        self._some_left = False
        self._observations: dict[Any, Any] = {}
        self._infos: dict[Any, Any] = {}
        self.reset(0)
        self.has_masks = any(self._mask(i) is not None for i in range(len(self._names)))
        metadata = getattr(env, "metadata", None) or {}
        self.has_wins = bool(getattr(env, "has_wins", False) or metadata.get("has_wins", False))
        try:
            own = np.asarray(env.state())
            self._own_state = own.size > 0 and own.dtype != object
        except (NotImplementedError, AttributeError):
            self._own_state = False
        # Vectors alone are put one after the other in one call.
        plain = all(type(space).__name__ == "Box" and len(space.shape) == 1 for space in native)
        self._all = itemgetter(*self._names) if plain and len(self._names) > 1 else None
        if self._own_state:
            self._all = self._all if own.ndim == 1 else None
            # Wrappers may have changed what is observed.
            observed_state = type(getattr(env, "unwrapped", env)).__module__.startswith(_OBSERVED_STATES)
            if self._all and observed_state and np.array_equal(own, np.concatenate(self._all(self._observations))):
                self._own_state = False
        if self._own_state:
            self.state_space = Box.unbounded(int(own.size))
        else:
            self.state_space = Box(
                np.concatenate([space.low for space in self.observation_spaces]),
                np.concatenate([space.high for space in self.observation_spaces]),
            )

    def _mask(self, i: int) -> Any:
        name = self._names[i]
        if self._masked[i] and name in self._observations:
            return self._observations[name]["action_mask"]
        return self._infos.get(name, {}).get("action_mask")

    def reset(self, seed: int | None) -> None:
        self._observations, self._infos = self.env.reset(seed=seed)

    def step(self, actions: Sequence[Any]) -> tuple[float, bool, bool]:
        env = self.env
        if self._takers:
            actions = [take(action) if take else action for take, action in zip(self._takers, actions)]
        taken = dict(zip(self._names, actions))
        alive = env.agents
        if len(alive) < len(taken):
            taken = {name: action for name, action in taken.items() if name in alive}
        self._observations, rewards, terminations, truncations, self._infos = env.step(taken)
        paid = rewards.values() if len(rewards) == len(taken) else [rewards[name] for name in taken if name in rewards]
        reward = float(sum(paid) / len(paid)) if paid else 0.0
        for name in env.agents:
            if not (terminations.get(name, True) or truncations.get(name, True)):
                return reward, False, False
        truncated = any(truncations.get(name, False) and not terminations.get(name, False) for name in taken)
        infos = self._infos.values()
        self.won = any(won(info) for info in infos)
        self.told = numbers_of(infos)
        return reward, not truncated, truncated

    def observe(self, out: Array) -> None:
        observations = self._observations
        end = 0
        for i, name in enumerate(self._names):
            start, end = end, end + self.observation_spaces[i].size
            seen = observations.get(name)
            if seen is None:
                out[start:end] = 0
            else:
                self._writers[i](seen["observation"] if self._masked[i] else seen, out[start:end])

    def state(self, out: Array) -> None:
        if self._own_state:
            write_vector(self.env.state(), out)
        else:
            self.observe(out)

    def see(self, out: Array) -> None:
        observations = self._observations
        if self._all and len(observations) == len(self._names):
            try:
                seen = self._all(observations)
                state = (self.env.state(),) if self._own_state else seen
                np.concatenate((*seen, *state), out=out, casting="unsafe")
                return
            except (KeyError, ValueError):
                # Which of them is not what it should be is found one by one.
                pass
        super().see(out)

    def active(self, out: Array) -> None:
        alive = self.env.agents
        if len(alive) == len(self._names):
            if self._some_left:
                out[:] = 1
                self._some_left = False
            return
        self._some_left = True
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
