"""Gymnasium: a team of one. `py:gymnasium:CartPole-v1`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..team import Array, SetupError, Team
from .infos import number_of, numbers_of, tells_wins, won
from .spaces import action_space, has_mask, mask_of, observation_space, steps_per_second, taker, write_mask, writer

TAKES_RENDER_MODE = True


class GymnasiumTeam(Team):
    """One agent; the critic's state is what it observes."""

    def __init__(self, env: Any) -> None:
        self.env = env
        self.agents = ["agent_0"]
        self._masked = has_mask(env.observation_space)
        observed = env.observation_space.spaces["observation"] if self._masked else env.observation_space
        self.observation_spaces = [observation_space(observed, "the observation space")]
        self.action_spaces = [action_space(env.action_space, "the action space")]
        self.state_space = self.observation_spaces[0]
        self.has_wins = tells_wins(env)
        self.renders = getattr(env, "render_mode", None) == "rgb_array"
        self.steps_per_second = steps_per_second(env)
        self._take = taker(env.action_space)
        self._write = writer(observed)
        self._observation: Any = None
        self._info: Any = None
        self.reset(0)
        self.has_masks = self._mask() is not None

    def _mask(self) -> Any:
        return mask_of(self._observation, self._info, self._masked)

    def reset(self, seed: int | None) -> None:
        self._observation, self._info = self.env.reset(seed=seed)

    def step(self, actions: Sequence[Any]) -> tuple[float, bool, bool]:
        self._observation, reward, terminated, truncated, self._info = self.env.step(
            self._take(actions[0]) if self._take else actions[0]
        )
        if terminated or truncated:
            self.won = won(self._info)
            self.told = numbers_of([self._info], self.has_wins)
            if not self.has_masks and self._mask() is not None:
                raise SetupError("an info has an action_mask at the end of an episode, and none had one at its reset")
        return number_of(reward), bool(terminated), bool(truncated and not terminated)

    def observe(self, out: Array) -> None:
        self._write(self._observation["observation"] if self._masked else self._observation, out)

    def state(self, out: Array) -> None:
        self.observe(out)

    def masks(self, out: Sequence[Array]) -> None:
        if out[0].size:
            write_mask(self._mask(), out[0])

    def render(self) -> Any:
        return self.env.render()

    def close(self) -> None:
        self.env.close()


def make(variant: str | None, args: dict[str, Any]) -> Team:
    """`py:gymnasium:ID`"""
    import gymnasium

    if variant is None:
        raise SetupError("py:gymnasium needs the id of an environment, such as py:gymnasium:CartPole-v1")
    try:
        return GymnasiumTeam(gymnasium.make(variant, **args))
    except gymnasium.error.Error as error:
        raise SetupError(" ".join(str(error).split())) from error
