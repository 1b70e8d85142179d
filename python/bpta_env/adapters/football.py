"""Google Research Football for a team: `py:football:academy_3_vs_1_with_keeper`. Needs the `gfootball` package.

Each agent observes simple115v2 and has 19 actions; there is one team reward. The adapter steps the game's core, and
makes from what that tells, once for all agents, what `gfootball.env.create_environment` with
`representation="simple115v2"` makes for each of them through copies and wrappers: the same numbers, in less time.

Source: Kurach et al. 2020, arXiv:1907.11180; gfootball 2.10.2. What is the team's own (which players agents move, and
that the reward is the sum of theirs) is as in the published code of MAPPO (Yu et al. 2022) and of BPTA.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr
from io import StringIO
from typing import Any

import numpy as np

from ..team import Array, Box, Discrete, SetupError, Team

#: How many agents there are, by scenario. The game's own AI moves all other players.
AGENTS = {
    "academy_3_vs_1_with_keeper": 3,
    "academy_counterattack_easy": 4,
    "academy_counterattack_hard": 4,
    "academy_corner": 10,
    "academy_pass_and_shoot_with_keeper": 2,
    "academy_run_pass_and_shoot_with_keeper": 2,
    "5_vs_5": 4,
    "11_vs_11_easy_stochastic": 10,
}

#: Rewards: 1 for a goal, −1 for one of the opponents'; with checkpoints also 0.1 for each of ten circles around the
#: opponents' goal that the agent is first in with the ball (and for those that are left, at a goal).
REWARDS = ("scoring", "scoring,checkpoints")
_CHECKPOINTS = 10
_CHECKPOINT_REWARD = 0.1
_FAR, _NEAR = 0.99, 0.19

#: What the critic sees: the game once, from nobody's eyes, and what agents do not see; or the agents' observations.
STATES = ("global", "observations")

_ACTIONS = 19
_SIZE = 115
_BALL, _BALL_DIRECTION, _OWNER, _ACTIVE, _MODE = 88, 91, 94, 97, 108
_BLOCKS = (("left_team", 0), ("left_team_direction", 22), ("right_team", 44), ("right_team_direction", 66))
_STICKY = 10
_STACKED = 4

#: Metres in a unit of the game's x and y; its y points down.
_METRES = (54.4, -83.6)


class FootballTeam(Team):
    """One game at a time, of one team's agents against the game's own.

    `agents`: how many players agents move, None: as `AGENTS` says. `stacked`: whether an observation is the last four,
    the oldest first.
    """

    has_wins = True

    def __init__(
        self,
        scenario: str,
        *,
        agents: int | None = None,
        rewards: str = "scoring,checkpoints",
        state: str = "global",
        stacked: bool = False,
    ) -> None:
        from gfootball.env import config as football_config
        from gfootball.env import football_env_core

        if rewards not in REWARDS:
            raise SetupError(f"rewards is {rewards}, must be {' or '.join(REWARDS)}")
        if state not in STATES:
            raise SetupError(f"state is {state}, must be {' or '.join(STATES)}")
        count = AGENTS[scenario] if agents is None else agents
        self.config = football_config.Config(
            {
                "level": scenario,
                "players": [f"agent:left_players={count},right_players=0"],
                "game_engine_random_seed": 0,
                "reverse_team_processing": False,
            }
        )
        setting = self.config.ScenarioConfig()
        movable = sum(player.controllable for player in setting.left_team)
        if not 1 <= count <= movable:
            raise SetupError(f"agents is {count}, must be 1 to {movable} in {scenario}")
        self.core = football_env_core.FootballEnvCore(self.config)
        self.duration: int = setting.game_duration
        self.roles = [
            [str(player.role).rpartition("_")[2] for player in team] for team in (setting.left_team, setting.right_team)
        ]
        self._rewards, self._state_kind, self._frames = rewards, state, _STACKED if stacked else 1
        self._random = random.Random(0)
        self._common: Array = np.full(_SIZE, -1, np.float32)
        self._view: Array = np.empty((count, self._frames, _SIZE), np.float32)
        self._collected = [0] * count
        self._game: dict[str, Any] = {}
        self._last_scene: dict[str, Any] | None = None

        size = self._frames * _SIZE
        self.agents = [f"agent_{i}" for i in range(count)]
        self.observation_spaces = [Box.unbounded(size)] * count
        self.action_spaces = [Discrete(_ACTIONS)] * count
        whole = _SIZE - (_MODE - _ACTIVE) + count * (_MODE - _ACTIVE + _STICKY) + 2
        self.state_space = Box.unbounded(count * size if state == "observations" else whole)

    def reset(self, seed: int | None) -> None:
        config = self.config
        self._last_scene = self._scene() if self._game and seed is None else None
        if seed is not None:
            self._random.seed(seed)
            config["episode_number"] = 0
        # The game would draw the first of these from Python's own random numbers, and the second but once.
        engine_seed = self._random.randrange(2**31)
        config["game_engine_random_seed"] = engine_seed
        config["reverse_team_processing"] = engine_seed % 2 == 1
        self.core.reset()
        self._game = self.core.observation()
        self._collected = [0] * len(self.agents)
        self._describe()
        self._view[:, :-1] = self._view[:, -1:]

    def step(self, actions: Sequence[Any]) -> tuple[float, bool, bool]:
        game, goal, ended, _ = self.core.step(actions)
        self._game = game
        self._view[:, :-1] = self._view[:, 1:]
        self._describe()
        reward = len(self.agents) * float(goal)
        if self._rewards != "scoring":
            reward += sum(self._checkpoints(agent, goal) for agent in range(len(self.agents)))
        goals, opponents_goals = game["score"]
        self.won = bool(goals > opponents_goals)
        if ended:
            self.told = {"goals": float(goals), "opponentsGoals": float(opponents_goals)}
        # A game's last whistle is a time limit: agents do not see the clock, and the game would have gone on.
        goal_ends = self.core._env.config.end_episode_on_score and goals + opponents_goals > 0
        timed_out = bool(ended and game["steps_left"] <= 0 and not goal_ends)
        return reward, bool(ended and not timed_out), timed_out

    def observe(self, out: Array) -> None:
        out[:] = self._view.reshape(-1)

    def state(self, out: Array) -> None:
        if self._state_kind == "observations":
            out[:] = self._view.reshape(-1)
            return
        game, common = self._game, self._common
        goals, opponents_goals = game["score"]
        out[:_ACTIVE] = common[:_ACTIVE]
        at = _ACTIVE
        for part in (common[_MODE:], self._view[:, -1, _ACTIVE:_MODE], game["left_agent_sticky_actions"]):
            values = np.asarray(part, np.float32).reshape(-1)
            out[at : at + values.size] = values
            at += values.size
        out[at] = goals - opponents_goals
        out[at + 1] = game["steps_left"] / (self.duration + 1)

    def scene(self, final: bool) -> dict[str, Any]:
        """What is to be seen of the pitch: cm from its middle, x towards the opponents' goal, y to the left of who looks
        there; ours, then theirs. Players who were sent off are None."""
        return (self._last_scene if final else None) or self._scene()

    def close(self) -> None:
        self.core.close()

    def _scene(self) -> dict[str, Any]:
        game = self._game
        x, y, z = game["ball"]
        places = [
            [
                [round(100 * m * at) for m, at in zip(_METRES, place)] if active else None
                for place, active in zip(game[team].tolist(), game[f"{team}_active"])
            ]
            for team in ("left_team", "right_team")
        ]
        return {
            "roles": self.roles,
            "players": places,
            "ball": [round(float(v)) for v in (100 * _METRES[0] * x, 100 * _METRES[1] * y, 100 * z)],
            "owner": [int(game["ball_owned_team"]), int(game["ball_owned_player"])],
            "controlled": [int(player) for player in game["left_agent_controlled_player"]],
            "score": [int(goals) for goals in game["score"]],
            "mode": int(game["game_mode"]),
        }

    def _describe(self) -> None:
        """Writes what agents see now into the last frame of `_view`."""
        game, row = self._game, self._common
        for key, start in _BLOCKS:
            values = game[key].reshape(-1)
            row[start : start + len(values)] = values
            row[start + len(values) : start + 22] = -1
        row[_BALL:_BALL_DIRECTION] = game["ball"]
        row[_BALL_DIRECTION:_OWNER] = game["ball_direction"]
        row[_OWNER:] = 0
        row[_OWNER + 1 + game["ball_owned_team"]] = 1
        row[_MODE + game["game_mode"]] = 1
        self._view[:, -1] = row
        for agent, player in enumerate(game["left_agent_controlled_player"]):
            if player >= 0:
                self._view[agent, -1, _ACTIVE + player] = 1

    def _checkpoints(self, agent: int, goal: int) -> float:
        """What an agent gets for the circles around the opponents' goal that it was first in with the ball."""
        game, collected = self._game, self._collected[agent]
        if goal == 1:
            self._collected[agent] = _CHECKPOINTS
        elif game["ball_owned_team"] == 0 and game["ball_owned_player"] == game["left_agent_controlled_player"][agent]:
            x, y, _ = game["ball"]
            distance = ((x - 1) ** 2 + y**2) ** 0.5
            while self._collected[agent] < _CHECKPOINTS and distance <= _circle(self._collected[agent]):
                self._collected[agent] += 1
        return _CHECKPOINT_REWARD * (self._collected[agent] - collected)


def _circle(index: int) -> float:
    """The radius of a circle around the opponents' goal."""
    return _FAR - (_FAR - _NEAR) / (_CHECKPOINTS - 1) * index


def _import_game() -> None:
    """Imports gfootball. On import, the gym that it needs says on stderr that it is old; nobody can help that."""
    try:
        with warnings.catch_warnings(), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            import gfootball.env  # noqa: F401
    except ImportError as error:
        raise SetupError(
            f"Google Research Football is not installed where it is looked for ({error}): run "
            "scripts/install-football.sh, and set env.options.python or BPTA_PYTHON to the Python that it names"
        ) from error


def make(variant: str | None, args: dict[str, Any]) -> Team:
    """`py:football:SCENARIO`"""
    if variant not in AGENTS:
        raise SetupError(f"py:football:{variant or ''} must be py:football:SCENARIO, one of {', '.join(AGENTS)}")
    _import_game()
    try:
        return FootballTeam(variant, **args)
    except TypeError as error:
        raise SetupError(f"env.options.args: {error}") from error
