"""What random play sees, as a hash by scenario, to compare two builds of the game: `BPTA_PYTHON scripts/football-hashes.py`.

Equal lines: the same observations, states, rewards and ends from the same seed, bit for bit. The last column is steps per
second of the processor.
"""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "python"))
from bpta_env.adapters.football import AGENTS
from bpta_env.load import load

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
for scenario in AGENTS:
    team = load("football", scenario, {})
    actions = np.random.default_rng(0).integers(0, 19, size=(steps, len(team.agents))).tolist()
    seen_now = np.empty(sum(space.size for space in team.observation_spaces), np.float32)
    state = np.empty(team.state_space.size, np.float32)
    seen = hashlib.md5()
    team.reset(1)
    began = time.process_time()
    for joint in actions:
        result = team.step(joint)
        team.observe(seen_now)
        team.state(state)
        seen.update(np.concatenate([seen_now, state, np.array(result, np.float32)]).tobytes())
        if result[1] or result[2]:
            team.reset(None)
    print(scenario, seen.hexdigest(), round(steps / (time.process_time() - began)), flush=True)
