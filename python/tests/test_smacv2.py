"""The adapter of SMACv2 against a simulation of its wrapper's interface; the game itself is not run."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bpta_env import Discrete, SetupError
from bpta_env.copies import Copies
from bpta_env.load import load


class StarCraftCapabilityEnvWrapper:
    """As smacv2.env.starcraft2.wrapper's: agent 0 dies after a step, and the battle is won after three."""

    made: dict[str, Any] | None = None

    def __init__(self, **settings: Any) -> None:
        type(self).made = settings
        self.count = settings["capability_config"]["n_units"]
        self.limit = settings.get("limit", 100)
        self.tells_of_limit = settings["continuing_episode"]

    def get_env_info(self) -> dict[str, int]:
        return {"n_agents": self.count, "n_actions": 4, "obs_shape": 2, "state_shape": 3, "episode_limit": self.limit}

    def reset(self) -> Any:
        self.time = 0
        return self.get_obs(), self.get_state()

    def get_obs(self) -> list[Any]:
        return [np.array([i, self.time], np.float32) for i in range(self.count)]

    def get_state(self) -> Any:
        return np.full(3, self.time, np.float32)

    def get_avail_agent_actions(self, agent: int) -> list[int]:
        return [1, 0, 0, 0] if agent == 0 and self.time >= 1 else [0, 1, 1, self.time % 2]

    def step(self, actions: Any) -> Any:
        for i, action in enumerate(actions):
            assert self.get_avail_agent_actions(i)[action], f"agent {i} may not do {action}"
        self.time += 1
        won = self.time == 3
        if self.time == self.limit:
            return 0.0, True, {"battle_won": False, **({"episode_limit": True} if self.tells_of_limit else {})}
        return float(sum(actions)), won, {"battle_won": won} if won else {}

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def _package(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["smacv2", "smacv2.env", "smacv2.env.starcraft2", "smacv2.env.starcraft2.wrapper"]
    for name in names:
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules[names[-1]].StarCraftCapabilityEnvWrapper = StarCraftCapabilityEnvWrapper  # type: ignore[attr-defined]


def _step(copies: Copies, actions: list[int]) -> list[float]:
    """Reward, termination, truncation, win."""
    copies.step(bytearray(np.array(actions, np.int32).tobytes()))
    results: list[float] = copies.rows[0][-4:].tolist()
    return results


def test_masks_deaths_and_wins() -> None:
    copies = Copies([load("smacv2", "10gen_terran_5v5", {})])
    assert copies.teams[0].action_spaces[0] == Discrete(4)
    copies.reset([0])
    assert copies.masks[0][0].tolist() == [0, 1, 1, 0]
    assert _step(copies, [1, 2, 1, 1, 1]) == [6, 0, 0, 0]
    assert copies.active[0].tolist() == [0, 1, 1, 1, 1]
    # The dead can only do nothing, which is what those see who look at their actions.
    assert copies.masks[0][0].tolist() == [1, 0, 0, 0]
    _step(copies, [3, 3, 1, 1, 1])
    assert _step(copies, [2, 1, 1, 1, 1])[1:] == [1, 0, 1]
    assert copies.final_rows[0][-3:].tolist() == [3, 3, 3]
    assert copies.active[0].tolist() == [1, 1, 1, 1, 1]


def test_the_time_limit_truncates() -> None:
    copies = Copies([load("smacv2", "10gen_zerg_10v11", {"limit": 1})])
    copies.reset([0])
    assert _step(copies, [1] * 10)[1:] == [0, 1, 0]


@pytest.mark.parametrize("race", ["terran", "protoss", "zerg"])
@pytest.mark.parametrize("size", ["5v5", "10v10", "10v11", "20v20", "20v23"])
def test_the_papers_tasks(race: str, size: str) -> None:
    team = load("smacv2", f"10gen_{race}_{size}", {"conic_fov": True})
    made = StarCraftCapabilityEnvWrapper.made
    assert made and made["map_name"] == f"10gen_{race}" and made["conic_fov"] is True
    config = made["capability_config"]
    assert f"{config['n_units']}v{config['n_enemies']}" == size
    assert sum(config["team_gen"]["weights"]) == pytest.approx(1)
    assert len(team.agents) == config["n_units"]


@pytest.mark.parametrize(
    ("race", "weights", "never_alone"),
    [
        ("terran", {"marine": 0.45, "marauder": 0.45, "medivac": 0.1}, ["medivac"]),
        ("protoss", {"stalker": 0.45, "zealot": 0.45, "colossus": 0.1}, []),
        ("zerg", {"zergling": 0.45, "hydralisk": 0.45, "baneling": 0.1}, ["baneling"]),
    ],
)
def test_units_are_those_of_the_packages_configurations(
    race: str, weights: dict[str, float], never_alone: list[str]
) -> None:
    """As smacv2/examples/configs/sc2_gen_*.yaml has them, at commit 577ab5a2."""
    load("smacv2", f"10gen_{race}_5v5", {})
    made = StarCraftCapabilityEnvWrapper.made
    assert made
    config = made["capability_config"]
    team = config["team_gen"]
    assert dict(zip(team["unit_types"], team["weights"])) == weights
    assert [team["dist_type"], team["exception_unit_types"], team["observe"]] == ["weighted_teams", never_alone, True]
    assert config["start_positions"] == {"dist_type": "surrounded_and_reflect", "p": 0.5, "map_x": 32, "map_y": 32}
    options = ["conic_fov", "obs_own_pos", "use_unit_ranges", "min_attack_range"]
    assert [made[name] for name in options] == [False, True, True, 2]


class Distribution:
    """As the package's: draws by a generator of its own, and may be made of others."""

    def __init__(self, *parts: Distribution) -> None:
        self.rng = np.random.default_rng()
        for k, part in enumerate(parts):
            setattr(self, f"part_{k}", part)

    def generate(self) -> None:
        pass


def test_a_seed_settles_what_is_drawn_for_episodes() -> None:
    drawn = []
    for seed in (3, 3, 4):
        team = load("smacv2", "10gen_terran_5v5", {})
        inner = Distribution()
        outer = Distribution(inner)
        team.env.env_key_to_distribution_map = {"start_positions": outer}  # type: ignore[attr-defined]
        team.reset(seed)
        drawn.append([outer.rng.random(), inner.rng.random()])
    assert drawn[0] == drawn[1] != drawn[2]
    assert drawn[0][0] != drawn[0][1]


def test_wrong_names_and_a_missing_package_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SetupError, match="RACE one of terran, protoss, zerg"):
        load("smacv2", "10gen_orcs_5v5", {})
    monkeypatch.setitem(sys.modules, "smacv2.env.starcraft2.wrapper", None)
    with pytest.raises(SetupError, match=r"needs smacv2.*: pip install git.*SC2PATH"):
        load("smacv2", "10gen_terran_5v5", {})
