"""Plain loops of football, for bench/football.ts: reads a request in JSON, writes how many seconds the processor spent."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import gfootball.env
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "python"))
from bpta_env.adapters.football import AGENTS
from bpta_env.load import load


def ours(scenario: str, actions: list[list[int]]) -> float:
    """The adapter, with what agents and critic see."""
    team = load("football", scenario, {})
    seen_now = np.empty(sum(space.size for space in team.observation_spaces), np.float32)
    state = np.empty(team.state_space.size, np.float32)
    team.reset(0)
    began = time.process_time()
    for joint in actions:
        _, terminated, truncated = team.step(joint)
        if terminated or truncated:
            team.reset(None)
        team.observe(seen_now)
        team.state(state)
    return time.process_time() - began


def gfootballs(scenario: str, actions: list[list[int]]) -> float:
    """gfootball's own environment."""
    env = gfootball.env.create_environment(
        scenario,
        representation="simple115v2",
        rewards="scoring,checkpoints",
        number_of_left_players_agent_controls=len(actions[0]),
    )
    env.reset()
    began = time.process_time()
    for joint in actions:
        if env.step(joint)[2]:
            env.reset()
    return time.process_time() - began


print(json.dumps({"title": "gfootball"}), flush=True)
for line in sys.stdin:
    request: dict[str, Any] = json.loads(line)
    scenario, steps = request["scenario"], request["steps"]
    drawn = np.random.default_rng(request["seed"]).integers(0, 19, size=(steps, AGENTS[scenario])).tolist()
    loop = ours if request["loop"] == "ours" else gfootballs
    print(json.dumps(loop(scenario, drawn)), flush=True)
