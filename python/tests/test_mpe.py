"""Particle environments whose world takes its step at once, against the turns that PettingZoo's converter takes."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
from alike import ends_alike

from bpta_env.adapters import mpe
from bpta_env.adapters.pettingzoo import PettingZooTeam
from bpta_env.load import adapt, load
from bpta_env.team import Box, Space

all_modules = pytest.importorskip("mpe2.all_modules")
NAMES = [name.rpartition("/")[2] for name in all_modules.mpe_environments]

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("continuous", [False, True])
def test_the_world_plays_what_its_turns_play(name: str, continuous: bool) -> None:
    args = {"continuous_actions": continuous, "max_cycles": 20}
    own = load(f"mpe2.{name}", None, args)
    assert type(own) is mpe.MpeTeam
    reference = PettingZooTeam(importlib.import_module(f"mpe2.{name}").parallel_env(**args))
    random = np.random.default_rng(0)

    def draw(space: Space) -> Any:
        # Some are out of bounds, and kept within.
        if isinstance(space, Box):
            return random.uniform(-0.2, 1.2, space.size).astype(np.float32)
        return int(random.integers(space.n))

    assert ends_alike(own, reference, draw, steps=50, tolerance=0) == 2


def test_an_episode_that_its_scenario_ends_is_terminated() -> None:
    team = load("mpe2.simple_spread_v3", None, {"N": 1, "terminate_on_success": True})
    assert type(team) is mpe.MpeTeam
    team.reset(0)
    world = team.env.unwrapped.world
    world.agents[0].state.p_pos = world.landmarks[0].state.p_pos.copy()
    assert team.step([0])[1:] == (True, False)


def test_one_whose_agents_take_turns_is_the_same() -> None:
    module = importlib.import_module("mpe2.simple_spread_v3")
    assert type(adapt(module.env(), "a world")) is mpe.MpeTeam


def changed(**methods: Any) -> Any:
    module = importlib.import_module("mpe2.simple_spread.simple_spread")
    raw = type("Own", (module.raw_env,), methods)
    utils = importlib.import_module("mpe2._mpe_utils.simple_env")
    return importlib.import_module("pettingzoo.utils.conversions").parallel_wrapper_fn(utils.make_env(raw))()


def test_what_others_changed_is_played_as_they_play_it() -> None:
    assert type(adapt(changed(), "a world")) is mpe.MpeTeam
    wrappers = importlib.import_module("pettingzoo.utils.wrappers")
    wrapped = wrappers.BaseParallelWrapper(changed())
    taught = changed(observe=lambda self, agent: np.zeros(18, np.float32))

    def last_agent_is_idle(self: Any) -> None:
        self.current_actions[-1] = self.steps % 2
        type(self).__mro__[1]._execute_world_step(self)

    idle = changed(_execute_world_step=last_agent_is_idle)
    assert type(adapt(wrapped, "a world")) is PettingZooTeam
    assert type(adapt(taught, "a world")) is PettingZooTeam
    assert type(adapt(idle, "a world")) is mpe.MpeTeam
    # What differs for whatever reason.
    counted = changed(_populate_benchmark_data=lambda self: self.rewards.update(agent_0=float(np.random.rand())))
    assert type(adapt(counted, "a world")) is PettingZooTeam
