"""Multi-Agent MuJoCo's observations, looked up, against those that the environment collects."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from alike import ends_alike, seen

from bpta_env.adapters.mamujoco import MaMuJoCoTeam
from bpta_env.adapters.pettingzoo import PettingZooTeam
from bpta_env.load import adapt, load

mamujoco_v1 = pytest.importorskip("gymnasium_robotics").mamujoco_v1

ROBOTS: list[tuple[str, str, dict[str, Any]]] = [
    ("HalfCheetah", "6x1", {}),
    ("HalfCheetah", "2x3", {"agent_obsk": 0, "global_categories": ()}),
    ("Ant", "4x2", {}),
    ("Ant", "2x4d", {"local_categories": [["qpos", "qvel", "cfrc_ext"]] * 2}),
    ("Hopper", "3x1", {}),
    ("Walker2d", "2x3", {}),
    ("Humanoid", "9|8", {}),
    ("Swimmer", "2x1", {"agent_obsk": 2}),
    ("ManySegmentSwimmer", "4x2", {}),
]


@pytest.mark.parametrize(("robot", "parts", "args"), ROBOTS)
def test_what_is_looked_up_is_what_the_environment_collects(robot: str, parts: str, args: dict[str, Any]) -> None:
    own = load("gymnasium_robotics.mamujoco_v1", None, {"scenario": robot, "agent_conf": parts, **args})
    assert isinstance(own, MaMuJoCoTeam)
    reference = PettingZooTeam(mamujoco_v1.parallel_env(robot, parts, **args))
    random = np.random.default_rng(0)

    def draw(space: Any) -> Any:
        return random.uniform(-1.2, 1.2, space.size).astype(np.float32)

    ends = ends_alike(own, reference, draw, steps=150, tolerance=1e-12)
    assert (ends > 0) == (robot in ("Ant", "Hopper", "Walker2d", "Humanoid"))


def test_a_time_limit_truncates() -> None:
    team = load(
        "gymnasium_robotics.mamujoco_v1", None, {"scenario": "HalfCheetah", "agent_conf": "2x3", "max_episode_steps": 4}
    )
    assert isinstance(team, MaMuJoCoTeam)
    ends = [team.step([np.zeros(3, np.float32)] * 2)[1:] for _ in range(4)]
    assert ends == [(False, False)] * 3 + [(False, True)]


@pytest.mark.parametrize(
    "made",
    [
        # What the tip of its arm is away from the goal is no number of MuJoCo's data.
        lambda: mamujoco_v1.parallel_env("Reacher", "2x1"),
        # One agent that does and sees it all.
        lambda: mamujoco_v1.parallel_env("HalfCheetah", None),
        lambda: type("Own", (mamujoco_v1.parallel_env,), {})("HalfCheetah", "2x3"),
    ],
)
def test_others_are_left_to_collect(made: Any) -> None:
    team = adapt(made(), "a robot")
    assert type(team) is PettingZooTeam
    team.reset(0)
    assert np.isfinite(seen(team)[0]).all()
