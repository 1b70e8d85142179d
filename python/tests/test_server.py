"""The parts of the server, without pipes."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import Broken, Counting
from fakes import Discrete as Choice

from bpta_env import Discrete, SetupError
from bpta_env.adapters.spaces import action_space, observation_space, taker, writer
from bpta_env.load import adapt, load
from bpta_env.server import Copies


def test_copies_write_moments_and_begin_anew() -> None:
    copies = Copies([adapt(Counting(length=1), "fakes") for _ in range(2)])
    copies.reset([3, 4])
    assert copies.observations[0].tolist() == [[3, 0], [4, 0]]
    sent = copies.step(bytearray(np.array([2, 0, 0.5, 0.5, 0, 0], np.float32).tobytes()))
    assert len(sent) == len(copies.message)
    assert copies.rewards.tolist() == [2, 0.5]
    assert copies.wins.tolist() == [1, 0]
    assert copies.final_observations[0].tolist() == [[3, 1], [4, 1]]
    assert copies.observations[0].tolist() == [[4, 0], [5, 0]]


def test_only_the_moment_is_sent_while_episodes_go_on() -> None:
    copies = Copies([adapt(Counting(), "fakes")])
    copies.reset([0])
    assert len(copies.step(bytearray(np.zeros(3, np.float32).tobytes()))) == 2 + copies.now


def test_spaces() -> None:
    assert action_space(Choice(3, start=1), "it") == Discrete(3)
    assert taker(Choice(3, start=1))(2) == 3
    assert observation_space(Choice(3), "it").size == 3
    row = np.zeros(3, np.float32)
    writer(Choice(3, start=1))(2, row)
    assert row.tolist() == [0, 1, 0]
    with pytest.raises(SetupError, match="observation space of a is Sequence"):
        adapt(Broken(), "fakes")


def test_what_is_missing_is_named() -> None:
    with pytest.raises(SetupError, match="no Python module nosuch: install it"):
        load("nosuch", None, {})
    with pytest.raises(SetupError, match="unexpected keyword argument 'wrong'"):
        load("fakes", None, {"wrong": 1})
