"""Environments of PettingZoo's AEC interface, through PettingZoo's own converter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bpta_env import SetupError
from bpta_env.adapters.pettingzoo import PettingZooTeam
from bpta_env.copies import Copies
from bpta_env.load import adapt, load

pytest.importorskip("pettingzoo")


def test_an_aec_environment_gives_what_its_own_loop_gives() -> None:
    spread = pytest.importorskip("mpe2.simple_spread_v3")
    copies = Copies([load("mpe2.simple_spread_v3", "env", {"max_cycles": 5})])
    copies.reset([7])
    env = spread.env(max_cycles=5)
    env.reset(seed=7)
    names = env.possible_agents
    for t in range(5):
        # The environment's own state is computed from the world; the adapter knows that it is what the agents observe.
        seen = np.concatenate([*(env.observe(agent) for agent in names), env.state()])
        assert copies.seen[0] == pytest.approx(seen, abs=1e-6)
        actions = [(t + 2 * i) % 5 for i in range(len(names))]
        # In turns, as AEC has it; the world moves when all have chosen.
        for agent, action in zip(names, actions):
            assert env.agent_selection == agent
            env.step(action)
        copies.step(bytearray(np.array(actions, np.int32).tobytes()))
        reward, terminated, truncated, _ = copies.rows[0][-4:].tolist()
        assert reward == pytest.approx(np.mean([env.rewards[agent] for agent in names]), rel=1e-5)
        assert [terminated, truncated] == [0, t == 4]
    final = np.concatenate([*(env.observe(agent) for agent in names), env.state()])
    assert copies.final_rows[0] == pytest.approx(final, abs=1e-6)


def test_wins_of_an_aec_environment_are_counted() -> None:
    spread = pytest.importorskip("mpe2.simple_spread_v3")
    env = spread.env(max_cycles=5)
    env.unwrapped.has_wins = True
    assert adapt(env, "it").has_wins


def test_a_wrapper_that_changes_observations_leaves_the_state_its_own() -> None:
    spread = pytest.importorskip("mpe2.simple_spread_v3")
    wrapper: Any = pytest.importorskip("pettingzoo.utils").BaseParallelWrapper

    class Doubled(wrapper):  # type: ignore[misc]
        def reset(self, seed: int | None = None, options: object = None) -> object:
            seen, infos = super().reset(seed=seed, options=options)
            return {agent: 2 * own for agent, own in seen.items()}, infos

    team = PettingZooTeam(Doubled(spread.parallel_env()))
    copies = Copies([team])
    copies.reset([3])
    half = len(copies.seen[0]) // 2
    assert copies.seen[0][:half] == pytest.approx(2 * copies.seen[0][half:], abs=1e-6)


def test_agents_that_take_turns_are_refused() -> None:
    pytest.importorskip("pettingzoo.classic.rps_v2")
    with pytest.raises(SetupError, match="whose agents take turns, must make one in which they act at the same time"):
        load("pettingzoo.classic.tictactoe_v3", "env", {})
