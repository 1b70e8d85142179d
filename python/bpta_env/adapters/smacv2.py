"""SMACv2, the real game: `py:smacv2:10gen_terran_5v5`. Needs the `smacv2` package and StarCraft II.

The capabilities and options are those of the configurations that come with the package (Ellis et al. 2023, "SMACv2";
smacv2/examples/configs/sc2_gen_*.yaml, where they differ from the package's defaults): three kinds of units a race, the
rarest of them with probability 0.1; positions half the time surrounding, half reflected; a 32 × 32 map.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..team import Array, Box, Discrete, SetupError, Team
from .infos import numbers_of, won

#: By race: kinds of units, their probabilities, and the kinds that no team may be made of alone.
UNITS: dict[str, tuple[list[str], list[float], list[str]]] = {
    "terran": (["marine", "marauder", "medivac"], [0.45, 0.45, 0.1], ["medivac"]),
    "protoss": (["stalker", "zealot", "colossus"], [0.45, 0.45, 0.1], []),
    "zerg": (["zergling", "baneling", "hydralisk"], [0.45, 0.1, 0.45], ["baneling"]),
}
SIZES = ["5v5", "10v10", "10v11", "20v20", "20v23"]

_NAME = re.compile(r"^10gen_(terran|protoss|zerg)_(\d+)v(\d+)$")


class Smacv2Team(Team):
    """`env` is a `StarCraftCapabilityEnvWrapper`, or has its methods."""

    has_masks = True
    has_inactive = True
    has_wins = True

    def __init__(self, env: Any) -> None:
        self.env = env
        info = env.get_env_info()
        count, actions = int(info["n_agents"]), int(info["n_actions"])
        self.agents = [f"agent_{i}" for i in range(count)]
        self.observation_spaces = [Box.unbounded(int(info["obs_shape"])) for _ in range(count)]
        self.action_spaces = [Discrete(actions) for _ in range(count)]
        self.state_space = Box.unbounded(int(info["state_shape"]))
        self._available: list[Any] = []
        self._random: Any = None

    def _look(self) -> None:
        self._available = [np.asarray(self.env.get_avail_agent_actions(i)) for i in range(len(self.agents))]

    def reset(self, seed: int | None) -> None:
        # The game takes its own seed only when it is launched (args: {seed: …}). Teams and places can be drawn anew.
        # Some of them come from Python's own random numbers, which copies in one process would share.
        others = random.getstate()
        if seed is None:
            random.setstate(self._random or others)
        else:
            random.seed(seed)
            found = list(getattr(self.env, "env_key_to_distribution_map", {}).values())
            for k, part in enumerate(found):
                # Some are made of others.
                found.extend(value for value in vars(part).values() if hasattr(value, "generate"))
                if hasattr(part, "rng"):
                    part.rng = np.random.default_rng([seed, k])
        self.env.reset()
        self._random = random.getstate()
        random.setstate(others)
        self._look()

    def step(self, actions: Sequence[Any]) -> tuple[float, bool, bool]:
        # Nobody may choose what is not allowed: the dead can only do nothing, which is action 0.
        taken = [action if mask[action] else int(np.argmax(mask)) for action, mask in zip(actions, self._available)]
        reward, ended, info = self.env.step(taken)
        self._look()
        if ended:
            self.won = won(info)
            self.told = numbers_of([info])
        truncated = bool(ended and info.get("episode_limit", False))
        return float(reward), bool(ended and not truncated), truncated

    def observe(self, out: Array) -> None:
        np.concatenate(self.env.get_obs(), out=out, casting="unsafe")

    def state(self, out: Array) -> None:
        out[:] = self.env.get_state()

    def active(self, out: Array) -> None:
        # Only the dead are allowed to do nothing.
        for i, mask in enumerate(self._available):
            out[i] = 0 if mask[0] else 1

    def masks(self, out: Sequence[Array]) -> None:
        for row, mask in zip(out, self._available):
            row[:] = mask

    def close(self) -> None:
        self.env.close()


def capabilities(race: str, allies: int, enemies: int) -> dict[str, Any]:
    """What is drawn anew for each episode."""
    kinds, weights, never_alone = UNITS[race]
    return {
        "n_units": allies,
        "n_enemies": enemies,
        "team_gen": {
            "dist_type": "weighted_teams",
            "unit_types": kinds,
            "exception_unit_types": never_alone,
            "weights": weights,
            "observe": True,
        },
        "start_positions": {"dist_type": "surrounded_and_reflect", "p": 0.5, "map_x": 32, "map_y": 32},
    }


def make(variant: str | None, args: dict[str, Any]) -> Team:
    """`py:smacv2:10gen_RACE_NvM`; args go to the wrapper over the paper's."""
    found = _NAME.match(variant or "")
    if not found:
        raise SetupError(
            f"py:smacv2:{variant or ''} must be py:smacv2:10gen_RACE_SIZE, RACE one of {', '.join(UNITS)}, "
            f"SIZE such as {', '.join(SIZES)}"
        )
    race, allies, enemies = found[1], int(found[2]), int(found[3])
    try:
        from smacv2.env.starcraft2.wrapper import StarCraftCapabilityEnvWrapper
    except ModuleNotFoundError as error:
        raise SetupError(
            f"py:smacv2 needs {error.name}: pip install git+https://github.com/oxwhirl/smacv2.git, and StarCraft II "
            "with the SMACv2 maps in SC2PATH"
        ) from error
    settings: dict[str, Any] = {
        "map_name": f"10gen_{race}",
        "capability_config": capabilities(race, allies, enemies),
        "debug": False,
        # Without it the wrapper does not say that it was the time limit that ended a battle.
        "continuing_episode": True,
        "conic_fov": False,
        "obs_own_pos": True,
        "use_unit_ranges": True,
        "min_attack_range": 2,
    }
    return Smacv2Team(StarCraftCapabilityEnvWrapper(**{**settings, **args}))
