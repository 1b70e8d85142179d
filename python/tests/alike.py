"""Two ways to play the same environment, held to each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bpta_env import Team
from bpta_env.team import Space


def seen(team: Team) -> tuple[list[float], list[float]]:
    """What `see` writes, and what `observe` does."""
    row = np.empty(sum(space.size for space in team.observation_spaces) + team.state_space.size, np.float32)
    team.see(row)
    alone = np.empty(row.size - team.state_space.size, np.float32)
    team.observe(alone)
    return row.tolist(), alone.tolist()


def ends_alike(own: Team, reference: Team, draw: Callable[[Space], Any], steps: int, tolerance: float) -> int:
    """Plays both, and asserts that they see the same, exactly, and are paid and told the same, within a relative
    tolerance. Returns how many episodes ended."""
    for team in (own, reference):
        team.reset(3)
    assert seen(own) == seen(reference)
    ends = 0
    for _ in range(steps):
        actions = [draw(space) for space in own.action_spaces]
        result, expected = own.step(actions), reference.step(actions)
        assert result[1:] == expected[1:]
        assert result[0] == pytest.approx(expected[0], rel=tolerance, abs=0)
        assert seen(own) == seen(reference)
        if result[1] or result[2]:
            ends += 1
            assert own.told == pytest.approx(reference.told, rel=tolerance, abs=0)
            for team in (own, reference):
                team.reset(None)
            assert seen(own) == seen(reference)
    return ends
