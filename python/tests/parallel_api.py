"""PettingZoo's own API test, on an environment that is at the other end of the pipes."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import gymnasium
import numpy as np
from pettingzoo import ParallelEnv
from pettingzoo.test import parallel_api_test

PYTHON = str(Path(__file__).resolve().parents[1])


class Client(ParallelEnv):  # type: ignore[misc]
    """One copy, served by `python -m bpta_env`."""

    metadata: ClassVar[dict[str, Any]] = {"name": "bridge"}

    def __init__(self, module: str, **args: Any) -> None:
        self.server = subprocess.Popen(
            [sys.executable, "-m", "bpta_env"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": PYTHON},
        )
        asked = {
            "version": 4,
            "module": module,
            "variant": None,
            "args": args,
            "groups": [{"first": 0, "copies": 1}],
            "draws": False,
        }
        opened = json.loads(self._ask(1, json.dumps(asked).encode()))
        self.possible_agents = opened["agents"]
        self.agents = []
        self.sizes = [space["size"] for space in opened["observationSpaces"]]
        self.choices = [space.get("n", 0) for space in opened["actionSpaces"]]
        self.state_size = opened["stateSpace"]["size"]
        self.spaces = {
            agent: (gymnasium.spaces.Box(-np.inf, np.inf, (size,), np.float32), gymnasium.spaces.Discrete(n))
            for agent, size, n in zip(self.possible_agents, self.sizes, self.choices)
        }
        self.begun = False

    def _ask(self, kind: int, payload: bytes) -> bytes:
        assert self.server.stdin and self.server.stdout
        self.server.stdin.write(struct.pack("<III", kind, 0, len(payload)) + payload)
        self.server.stdin.flush()
        came, _, length = struct.unpack("<III", self.server.stdout.read(12))
        data = self.server.stdout.read(length)
        assert came != 4, data.decode()
        return data

    def observation_space(self, agent: str) -> Any:
        return self.spaces[agent][0]

    def action_space(self, agent: str) -> Any:
        return self.spaces[agent][1]

    def _moment(self, data: bytes) -> dict[str, Any]:
        flat = np.frombuffer(data, np.float32).copy()
        names = {
            "observations": self.sizes,
            "state": [self.state_size],
            "masks": self.choices,
            "active": [len(self.sizes)],
            "results": [4],
            "finals": self.sizes,
            "final_state": [self.state_size],
        }
        moment: dict[str, Any] = {}
        at = 0
        for name, sizes in names.items():
            moment[name] = [flat[at + sum(sizes[:i]) : at + sum(sizes[: i + 1])] for i in range(len(sizes))]
            at += sum(sizes)
        return moment

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        if seed is not None or not self.begun:
            self.next = self._moment(self._ask(2, struct.pack("<d", seed or 0)))
        self.begun = True
        self.agents = list(self.possible_agents)
        return dict(zip(self.agents, self.next["observations"])), {agent: {} for agent in self.agents}

    def step(self, actions: dict[str, Any]) -> Any:
        chosen = [int(actions.get(agent, 0)) for agent in self.possible_agents]
        self.next = self._moment(self._ask(3, np.array(chosen, np.int32).tobytes()))
        reward, terminated, truncated, _ = self.next["results"][0]
        ended = bool(terminated or truncated)
        seen = self.next["finals" if ended else "observations"]
        acted = [agent for agent in self.possible_agents if agent in actions]
        observations = {agent: seen[self.possible_agents.index(agent)] for agent in acted}
        self.agents = [] if ended else [a for a, flag in zip(self.possible_agents, self.next["active"][0]) if flag]
        return (
            observations,
            {agent: float(reward) for agent in acted},
            {agent: bool(terminated) for agent in acted},
            {agent: bool(truncated) for agent in acted},
            {agent: {} for agent in acted},
        )

    def close(self) -> None:
        assert self.server.stdin
        self.server.stdin.close()
        assert self.server.wait(timeout=10) == 0


env = Client("mpe2.simple_spread_v3")
parallel_api_test(env, num_cycles=200)
env.close()
