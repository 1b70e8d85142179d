"""Small environments in PettingZoo's form, without PettingZoo, and ways for them to go wrong."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import numpy as np


class Box:
    dtype = np.dtype(np.float32)

    def __init__(self, low: float, high: float, size: int) -> None:
        self.shape = (size,)
        self.low = np.full(size, low, np.float32)
        self.high = np.full(size, high, np.float32)


class Discrete:
    def __init__(self, n: int, start: int = 0) -> None:
        self.n, self.start = n, start


class Counting:
    """Two agents see the seed and the time; the first chooses 1 to 3, the second moves. b leaves after 2 steps.

    The reward of a is its choice, that of b the sum of its action; an episode ends after `length` steps, in a win
    if the last choice was 3. `fault` happens at step `at` of a process's life: raise, exit, hang, nan, stuck: a may
    choose nothing, unclear: nobody can say what, or fork: it is killed while a process that it forked goes on; and `again`: an exit at the reset of the first process that comes
    after, too. `closed`: a file that `close` makes, in the end, slowly.
    """

    render_mode: str | None = "rgb_array"
    has_wins = True
    possible_agents = ("a", "b")

    def __init__(self, length: int = 4, fault: str = "", at: int = 3, once: str = "", closed: str = "") -> None:
        self.length, self.fault, self.at, self.once, self.closed = length, fault, at, once, closed
        self.seed, self.life = 0, 0

    def observation_space(self, agent: str) -> Box:
        return Box(-np.inf, np.inf, 2 if agent == "a" else 3)

    def action_space(self, agent: str) -> Any:
        return Discrete(3, start=1) if agent == "a" else Box(-1, 1, 2)

    def _observe(self) -> dict[str, Any]:
        seen = {"a": [self.seed % 1000, self.time], "b": [self.seed % 1000, self.time, 7]}
        return {agent: np.array(values, np.float64) for agent, values in seen.items()}

    def _infos(self) -> dict[str, Any]:
        mask = np.array([1, self.time % 2, 1], np.float32)
        if self.life == self.at and self.fault in ("stuck", "unclear"):
            mask[:] = 0 if self.fault == "stuck" else np.nan
        return {"a": {"action_mask": mask}, "b": {}}

    def state(self) -> Any:
        return np.array([self.time], np.float64)

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        if self.fault == "again" and os.path.exists(self.once) and not os.path.exists(self.once + "-again"):
            open(self.once + "-again", "w").close()
            os._exit(3)
        self.seed = self.seed + 1 if seed is None else seed
        self.time = 0
        self.agents = list(self.possible_agents)
        return self._observe(), self._infos()

    def step(self, actions: dict[str, Any]) -> Any:
        print("environments may print")
        self.time += 1
        self.life += 1
        reward: dict[str, Any] = {a: float(x) if a == "a" else float(np.sum(x)) for a, x in actions.items()}
        if self.life == self.at and self.fault and not (self.once and os.path.exists(self.once)):
            if self.once:
                open(self.once, "w").close()
            if self.fault == "raise":
                raise ValueError("the ball is lost")
            if self.fault in ("exit", "again"):
                os._exit(3)
            if self.fault == "fork":
                if os.fork() == 0:
                    time.sleep(30)
                    os._exit(0)
                os.kill(os.getpid(), signal.SIGKILL)
            if self.fault == "hang":
                time.sleep(1000)
            if self.fault == "nan":
                reward = {agent: float("nan") for agent in reward}
        ended = self.time == self.length
        terminations = {agent: agent == "b" and self.time == 2 for agent in actions}
        truncations = {agent: ended for agent in actions}
        observations = {agent: value for agent, value in self._observe().items() if agent in actions}
        infos = {agent: value for agent, value in self._infos().items() if agent in actions}
        if ended:
            infos["a"]["won"] = actions["a"] == 3
            infos["a"]["choice"] = np.int64(actions["a"])
        self.agents = [a for a in self.agents if not terminations.get(a) and not truncations.get(a)]
        return observations, reward, terminations, truncations, infos

    def render(self) -> Any:
        picture = np.zeros((2, 3, 3), np.uint8)
        picture[1, 2] = [1, 2, self.time]
        return picture

    def close(self) -> None:
        if self.closed:
            time.sleep(0.3)
            open(self.closed, "w").close()


class Unseen(Counting):
    """Has no pictures."""

    render_mode = None


class Broken:
    possible_agents = ("a",)
    agents = ("a",)

    def observation_space(self, agent: str) -> Any:
        return type("Sequence", (), {})()

    def action_space(self, agent: str) -> Any:
        return Discrete(2)


def parallel_env(**options: Any) -> Counting:
    return Counting(**options)


def mistaken(length: int = 4) -> Counting:
    return Counting(length=length + None)  # type: ignore[operator]


def not_an_env() -> int:
    return 3


class Painted(Counting):
    """Draws a square that moves to the right by as many pixels as there were steps, if it is made to draw."""

    def __init__(self, render_mode: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.render_mode = render_mode
        self.metadata = {"render_fps": 5}

    def render(self) -> Any:
        picture = np.full((40, 60, 3), 255, np.uint8)
        picture[10:30, 10 * self.time : 10 * self.time + 10] = [200, 30, 60]
        return picture
