"""What returns on simple_spread mean: of random agents, of agents that stand still, and of agents that know the way.

`$BPTA_PYTHON scripts/spread-baselines.py [--episodes 200]`, with a Python that has mpe2. The last are told which
assignment of landmarks to agents has the smallest sum of distances, and steer to their own so as to come to rest there.
"""

import argparse
from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
from mpe2 import simple_spread_v3

#: What each of the five actions adds to an agent's velocity in a step (5 · dt), dt, and how much of a velocity is left after
#: one (1 − damping): mpe2's `World`.
PUSHES = 0.5 * np.array([(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)])
STEP, KEPT = 0.1, 0.75

random = np.random.default_rng(0)


def random_actions(world: Any) -> list[int]:
    return [int(action) for action in random.integers(5, size=len(world.agents))]


def no_actions(world: Any) -> list[int]:
    return [0] * len(world.agents)


def assigned_actions(world: Any) -> list[int]:
    agents, landmarks = world.agents, [landmark.state.p_pos for landmark in world.landmarks]
    distances = np.array([[np.linalg.norm(agent.state.p_pos - goal) for goal in landmarks] for agent in agents])
    each = range(len(agents))
    best = min(permutations(each), key=lambda goals: sum(distances[i, goals[i]] for i in each))
    return [steered(agent.state, landmarks[best[i]]) for i, agent in enumerate(agents)]


def steered(state: Any, goal: Any) -> int:
    """The push after which the agent would roll to a halt nearest to its goal, and be near it soon."""
    velocities = KEPT * state.p_vel + PUSHES
    soon = state.p_pos + STEP * state.p_vel + STEP * velocities
    halt = soon + STEP * velocities * KEPT / (1 - KEPT)
    return int(np.argmin(np.linalg.norm(halt - goal, axis=1) + 0.3 * np.linalg.norm(soon - goal, axis=1)))


def returns(act: Callable[[Any], list[int]], episodes: int) -> Any:
    """[episodes]: of the team, whose reward is the mean of the agents'."""
    env = simple_spread_v3.parallel_env(N=3, max_cycles=25)
    found = np.zeros(episodes)
    for seed in range(episodes):
        env.reset(seed=seed)
        while env.agents:
            _, rewards, *_ = env.step(dict(zip(env.agents, act(env.unwrapped.world))))
            found[seed] += np.mean(list(rewards.values()))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=200)
    episodes = parser.parse_args().episodes
    for name, act in {"random": random_actions, "still": no_actions, "assigned": assigned_actions}.items():
        found = returns(act, episodes)
        print(f"{name}: {found.mean():.2f} ± {found.std() / episodes**0.5:.2f} (standard error)")
