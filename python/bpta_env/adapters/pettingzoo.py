"""PettingZoo's parallel interface; AEC goes through PettingZoo's own converter."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from ..team import Array, Box, SetupError, Team
from .infos import number_of, numbers_of, tells_wins, won
from .spaces import (
    action_space,
    has_mask,
    mask_of,
    observation_space,
    steps_per_second,
    taker,
    write_mask,
    write_vector,
    writer,
)

#: Modules of environments whose `state()` is what the agents observe, computed once more.
_OBSERVED_STATES = ("mpe2.", "pettingzoo.mpe.")


def _state_of(env: Any) -> Any:
    """What an environment says of the whole situation; None where it does not."""
    # Wrappers have a method of that name whatever the environment has.
    if not callable(getattr(getattr(env, "unwrapped", env), "state", None)):
        return None
    try:
        own = np.asarray(env.state())
    except (NotImplementedError, AttributeError):
        return None
    return own if own.size > 0 and own.dtype != object else None


class PettingZooTeam(Team):
    """The team's reward is the mean over the agents that took the step."""

    def __init__(self, env: Any, has_wins: bool | None = None) -> None:
        self.env = env
        self.has_wins = tells_wins(env) if has_wins is None else has_wins
        self._names = list(env.possible_agents)
        self.agents = [str(agent) for agent in self._names]
        native = [env.observation_space(agent) for agent in self._names]
        self._masked = [has_mask(space) for space in native]
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
        self._infos: Mapping[Any, Any] = {}
        self.reset(0)
        strange = [agent for agent in env.agents if agent not in self._names]
        if strange or not env.agents:
            found = f"{strange[0]} is none of them" if strange else "there is none after a reset"
            raise SetupError(f"possible_agents are {', '.join(self.agents)}, and {found}")
        self.has_masks = any(self._mask(i) is not None for i in range(len(self._names)))
        own = _state_of(env)
        self._own_state = own is not None
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
        return mask_of(self._observations.get(name), self._infos.get(name), self._masked[i])

    def reset(self, seed: int | None) -> None:
        self._observations, infos = self.env.reset(seed=seed)
        self._infos = infos if isinstance(infos, Mapping) else {}

    def step(self, actions: Sequence[Any]) -> tuple[float, bool, bool]:
        env = self.env
        if self._takers:
            actions = [take(action) if take else action for take, action in zip(self._takers, actions)]
        taken = dict(zip(self._names, actions))
        alive = env.agents
        if len(alive) < len(taken):
            taken = {name: action for name, action in taken.items() if name in alive}
        self._observations, rewards, terminations, truncations, infos = env.step(taken)
        self._infos = infos if isinstance(infos, Mapping) else {}
        paid = (
            rewards.values() if rewards.keys() == taken.keys() else [rewards[name] for name in taken if name in rewards]
        )
        reward = number_of(sum(paid) / len(paid)) if paid else 0.0
        for name in env.agents:
            if not (terminations.get(name, True) or truncations.get(name, True)):
                return reward, False, False
        truncated = any(truncations.get(name, False) and not terminations.get(name, False) for name in taken)
        told = self._infos.values()
        self._tell(told)
        if not self.has_masks and any(mask_of(None, info, False) is not None for info in told):
            raise SetupError("an info has an action_mask at the end of an episode, and none had one at its reset")
        return reward, not truncated, truncated

    def _tell(self, infos: Collection[Any]) -> None:
        """Keeps what the infos of an episode's end say."""
        self.won = any(won(info) for info in infos)
        self.told = numbers_of(infos, self.has_wins)

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
            if out[i].size:
                write_mask(self._mask(i) if name in alive else None, out[i])

    def render(self) -> Any:
        return self.env.render()

    def close(self) -> None:
        self.env.close()
