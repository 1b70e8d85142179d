"""Plain loops that step environments, for bench/python-bridge.ts: reads which and how many steps, writes how many seconds
passed, and how many of them were spent computing.

Random actions are drawn beforehand and taken one after the other, as on the bridge's side. step: `env.step`, and
`env.reset` at an episode's end; what is returned is thrown away. state: also `env.state`, which centralised critics need. arrays: what training from it takes, without the bridge:
actions come as arrays, and observations, states, rewards, endings, and how episodes ended go, in float32 arrays by agent.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np
from bpta_env.load import import_module

module, args, copies = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
envs = [import_module(module).parallel_env(**args) for _ in range(copies)]
agents = envs[0].possible_agents
spaces = [envs[0].action_space(agent) for agent in agents]
discrete = hasattr(spaces[0], "n")
DRAWN = 256
random = np.random.default_rng(copies)
#: By step and agent: [copies, size].
drawn = [
    [
        random.integers(s.n, size=copies) if discrete else random.uniform(-1, 1, (copies, *s.shape)).astype(s.dtype)
        for s in spaces
    ]
    for _ in range(DRAWN)
]
#: By step and copy, by agent.
joint = [[{a: actions[i][e] for i, a in enumerate(agents)} for e in range(copies)] for actions in drawn]
for e, env in enumerate(envs):
    env.reset(seed=e)


def rows(size: int) -> Any:
    return np.zeros((copies, size), np.float32)


sizes = [envs[0].observation_space(agent).shape[0] for agent in agents]
observations, final_observations = ([rows(size) for size in sizes] for _ in range(2))
states, final_states = (rows(envs[0].state().size) for _ in range(2))
rewards, terminations, truncations = (np.zeros(copies, np.float32) for _ in range(3))


def step(t: int) -> None:
    for env, action in zip(envs, joint[t % DRAWN]):
        env.step(action)
        if not env.agents:
            env.reset()


def state(t: int) -> None:
    for env, action in zip(envs, joint[t % DRAWN]):
        env.step(action)
        env.state()
        if not env.agents:
            env.reset()


def arrays(t: int) -> None:
    # Environments may keep the actions that they are given.
    taken = [actions.copy() for actions in drawn[t % DRAWN]]
    for e, env in enumerate(envs):
        seen, paid, terminated, truncated, _ = env.step({agent: taken[i][e] for i, agent in enumerate(agents)})
        rewards[e] = sum(paid.values()) / len(paid)
        ended = not env.agents
        terminations[e] = ended and all(terminated.values())
        truncations[e] = ended and any(truncated.values())
        if ended:
            for i, agent in enumerate(agents):
                final_observations[i][e] = seen[agent]
            final_states[e] = env.state()
            seen, _ = env.reset()
        for i, agent in enumerate(agents):
            observations[i][e] = seen[agent]
        states[e] = env.state()


loops = {"step": step, "state": state, "arrays": arrays}
print("ready", flush=True)
for line in sys.stdin:
    name, steps = line.split()
    loop = loops[name]
    began, cpu = time.perf_counter(), time.thread_time()
    for t in range(int(steps)):
        loop(t)
    print(time.perf_counter() - began, time.thread_time() - cpu, flush=True)
