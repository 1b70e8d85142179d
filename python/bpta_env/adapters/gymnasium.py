"""Gymnasium: a team of one. `py:gymnasium:CartPole-v1`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..team import Array, SetupError, Team
from .infos import numbers_of, won
from .spaces import action_space, observation_space, steps_per_second, taker, writer

TAKES_RENDER_MODE = True


class GymnasiumTeam(Team):
    """One agent; the critic's state is what it observes."""

    def __init__(self, env: Any) -> None:
        self.env = env
        self.agents = ["agent_0"]
        self.observation_spaces = [observation_space(env.observation_space, "the observation space")]
        self.action_spaces = [action_space(env.action_space, "the action space")]
        self.state_space = self.observation_spaces[0]
        self.renders = getattr(env, "render_mode", None) == "rgb_array"
        self.steps_per_second = steps_per_second(env)
        self._take = taker(env.action_space)
        self._write = writer(env.observation_space)
        self._observation: Any = None

    def reset(self, seed: int | None) -> None:
        self._observation, _ = self.env.reset(seed=seed)

    def step(self, actions: Sequence[Any]) -> tuple[float, bool, bool]:
        self._observation, reward, terminated, truncated, info = self.env.step(
            self._take(actions[0]) if self._take else actions[0]
        )
        if terminated or truncated:
            self.won = won(info)
            self.told = numbers_of([info])
        return float(reward), bool(terminated), bool(truncated and not terminated)

    def observe(self, out: Array) -> None:
        self._write(self._observation, out)

    def state(self, out: Array) -> None:
        self._write(self._observation, out)

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
