"""A plain loop that steps environments, for bench/python-bridge.ts: reads how many steps, writes how many seconds."""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from bpta_env.load import import_module

module, args, copies = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
with_state = "--state" in sys.argv
envs = [import_module(module).parallel_env(**args) for _ in range(copies)]
agents = envs[0].possible_agents
spaces = [envs[0].action_space(agent) for agent in agents]
action = {a: 1 if hasattr(s, "n") else np.full(s.shape, 0.1, s.dtype) for a, s in zip(agents, spaces)}
for e, env in enumerate(envs):
    env.reset(seed=e)
print("ready", flush=True)
for line in sys.stdin:
    began = time.perf_counter()
    for _ in range(int(line)):
        for env in envs:
            env.step(action)
            if with_state:
                env.state()
            if not env.agents:
                env.reset()
    print(time.perf_counter() - began, flush=True)
