"""The football adapter against gfootball's own environment, step by step; skipped where gfootball is not installed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bpta_env import Discrete, SetupError
from bpta_env.adapters.football import AGENTS, REWARDS, FootballTeam
from bpta_env.copies import Copies
from bpta_env.load import load

try:
    import gfootball.env
except ImportError:
    gfootball = None

THREE = "academy_3_vs_1_with_keeper"
RUN = "academy_run_pass_and_shoot_with_keeper"

needs_the_game = pytest.mark.skipif(
    gfootball is None, reason="gfootball is not installed (scripts/install-football.sh installs it)"
)

Policy = Callable[[FootballTeam], "list[int]"]


def seen_by(team: FootballTeam) -> Any:
    """What the agents see: [agents, observation]."""
    row = np.empty(sum(space.size for space in team.observation_spaces), np.float32)
    team.observe(row)
    return row.reshape(len(team.agents), -1)


def state_of(team: FootballTeam) -> Any:
    """What the critic sees; every number of it is written."""
    row = np.full(team.state_space.size, np.nan, np.float32)
    team.state(row)
    assert np.isfinite(row).all()
    return row


def reference_of(scenario: str, team: FootballTeam, rewards: str, stacked: bool) -> tuple[Any, Callable[[], Any]]:
    """gfootball's own environment, and a function that starts in it the episode that `team` has just begun."""
    reference = gfootball.env.create_environment(
        env_name=scenario,
        representation="simple115v2",
        rewards=rewards,
        stacked=stacked,
        number_of_left_players_agent_controls=len(team.agents),
        other_config_options={"game_engine_random_seed": 0, "reverse_team_processing": False},
    )

    def begin() -> Any:
        for key in ("game_engine_random_seed", "reverse_team_processing"):
            reference.unwrapped._config[key] = team.config[key]
        reference.unwrapped._config["episode_number"] = team.config["episode_number"] - 1
        return reference.reset()

    return reference, begin


def run_and_shoot(team: FootballTeam) -> list[int]:
    """Everybody runs towards the goal and shoots in front of it: scores often in `RUN`."""
    x, y = seen_by(team)[0, 88:90]
    return [12 if x > 0.8 else 6 if y < -0.1 else 5] * len(team.agents)


def at_random(seed: int = 1) -> Policy:
    random = np.random.default_rng(seed)
    return lambda team: random.integers(0, 19, size=len(team.agents)).tolist()


def compare(
    scenario: str, steps: int, policy: Policy, rewards: str = "scoring,checkpoints", stacked: bool = False
) -> tuple[list[float], int]:
    """Returns all rewards and how many episodes ended."""
    team = FootballTeam(scenario, rewards=rewards, stacked=stacked)
    reference, begin = reference_of(scenario, team, rewards, stacked)
    team.reset(7)
    assert np.array_equal(begin(), seen_by(team))
    total, ends = [], 0
    for _ in range(steps):
        actions = policy(team)
        expected, reward, done, _ = reference.step(np.array(actions))
        ours, terminated, truncated = team.step(actions)
        assert np.array_equal(expected, seen_by(team))
        assert ours == pytest.approx(float(reward.sum()), abs=1e-5)
        assert done == (terminated or truncated)
        state_of(team)
        total.append(ours)
        if done:
            ends += 1
            team.reset(None)
            assert np.array_equal(begin(), seen_by(team))
    return total, ends


@needs_the_game
@pytest.mark.parametrize("scenario", AGENTS)
def test_observations_rewards_and_ends_are_gfootballs(scenario: str) -> None:
    compare(scenario, 60, at_random())


@needs_the_game
@pytest.mark.parametrize("rewards", REWARDS)
def test_goals_are_rewarded_as_gfootball_rewards_them(rewards: str) -> None:
    total, ends = compare(RUN, 120, run_and_shoot, rewards)
    assert ends > 0
    assert max(total) >= 2  # a goal, of two agents


@needs_the_game
def test_stacked_observations_are_gfootballs() -> None:
    compare(THREE, 60, at_random(), stacked=True)


def play(team: FootballTeam, steps: int) -> list[tuple[float, ...]]:
    policy, seen = at_random(3), []
    for _ in range(steps):
        reward, terminated, truncated = team.step(policy(team))
        seen.append((reward, terminated, truncated, *state_of(team).tolist()))
        if terminated or truncated:
            team.reset(None)
    return seen


@needs_the_game
def test_a_seed_decides_everything() -> None:
    first, second = FootballTeam(THREE), FootballTeam(THREE)
    second.reset(0)
    play(second, 20)
    first.reset(5)
    second.reset(5)
    assert play(first, 150) == play(second, 150)


@needs_the_game
def test_time_is_a_limit_and_a_goal_a_rule() -> None:
    team = FootballTeam("5_vs_5")
    team.reset(0)
    team.core._env.config.game_duration = 5
    ends = [team.step([0] * 4)[1:] for _ in range(6)]
    assert ends == [(False, False)] * 5 + [(False, True)]
    assert not team.won

    team = FootballTeam(RUN)
    won = []
    for seed in range(3):
        team.reset(seed)
        terminated = truncated = False
        while not (terminated or truncated):
            _, terminated, truncated = team.step(run_and_shoot(team))
        assert terminated
        won.append(team.won)
    assert any(won)


@needs_the_game
def test_scenes_tell_where_everybody_is() -> None:
    team = FootballTeam(THREE)
    team.reset(3)
    scene = team.scene(False)
    assert scene["roles"] == [["GK", "CM", "CM", "CM"], ["GK", "CB"]]
    assert [len(side) for side in scene["players"]] == [4, 2]
    # The keepers stand in front of their goals, 54.4 m from the middle; y is up, the game's down.
    assert scene["players"][0][0][0] < -5000 and scene["players"][1][0][0] > 5000
    assert scene["ball"][1] == pytest.approx(-8360 * team.core.observation()["ball"][1], abs=1)
    # The game gives agents the keeper first, and from the first step on the three who are near the ball.
    assert scene["score"] == [0, 0] and scene["controlled"] == [0, 2, 3]
    team.step([0] * 3)
    assert team.scene(False)["controlled"] == [1, 2, 3]
    # The last scene is that of the ended episode, not of the next one's beginning.
    ended = False
    while not ended:
        _, terminated, truncated = team.step([12] * 3)
        ended = terminated or truncated
    last = team.scene(False)
    team.reset(None)
    assert team.scene(True) == last != team.scene(False)


@needs_the_game
def test_it_is_served() -> None:
    copies = Copies([load("football", RUN, {"agents": 1, "state": "observations"})])
    copies.reset([4])
    assert copies.teams[0].action_spaces == [Discrete(19)]
    observed, state = np.split(copies.seen[0], 2)
    assert np.array_equal(observed, state)
    # Of a row, the last four are reward, termination, truncation and win.
    while copies.rows[0][-3] + copies.rows[0][-2] == 0:
        copies.step(bytearray(np.array([5], np.int32).tobytes()))
    assert not np.array_equal(copies.final_rows[0], copies.seen[0])


@needs_the_game
@pytest.mark.parametrize(
    ("scenario", "args", "message"),
    [
        ("5_vs_5", {"agents": 5}, "agents is 5, must be 1 to 4 in 5_vs_5"),
        (THREE, {"rewards": "goals"}, "rewards is goals, must be scoring or scoring,checkpoints"),
        (THREE, {"state": "all"}, "state is all, must be global or observations"),
        (THREE, {"agent": 3}, r"env\.options\.args: .*unexpected keyword argument 'agent'"),
    ],
)
def test_wrong_options_say_what_is_right(scenario: str, args: dict[str, Any], message: str) -> None:
    with pytest.raises(SetupError, match=message):
        load("football", scenario, args)


def test_wrong_names_and_a_missing_game_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SetupError, match="one of academy_3_vs_1_with_keeper, "):
        load("football", "academy_3_vs_2", {})
    monkeypatch.setitem(sys.modules, "gfootball.env", None)
    with pytest.raises(SetupError, match=r"not installed .*: run scripts/install-football\.sh, and set env\.options"):
        load("football", THREE, {})
