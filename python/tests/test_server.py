"""The parts of the server, without pipes."""

from __future__ import annotations

import struct
import zlib
from typing import Any, ClassVar

import numpy as np
import pytest
from fakes import Box as Bounded
from fakes import Broken, Counting
from fakes import Discrete as Choice

from bpta_env import Discrete, SetupError
from bpta_env.adapters.infos import number_of, numbers_of, won
from bpta_env.adapters.spaces import action_space, observation_space, taker, writer
from bpta_env.copies import HEADER_NUMBERS, Copies
from bpta_env.load import adapt, load
from bpta_env.server import _png


def act(copies: Copies, *actions: float) -> list[float]:
    """A step of agents of which the first of three numbers is a choice; the numbers sent, without the header."""
    data = b"".join(struct.pack("<iff", int(actions[k]), *actions[k + 1 : k + 3]) for k in range(0, len(actions), 3))
    return copies.step(bytearray(data)).tolist()[HEADER_NUMBERS:]


def test_moments_are_written_by_copy_and_episodes_begin_anew() -> None:
    copies = Copies([adapt(Counting(length=1), "fakes") for _ in range(2)], first=4)
    copies.reset([3, 4])
    assert [row.tolist() for row in copies.seen] == [[3, 0, 3, 0, 7, 0], [4, 0, 4, 0, 7, 0]]
    # Of each copy: what a and b see, the state, a's masks, who is active, reward, termination, truncation, win.
    sent = act(copies, 2, 0.5, 0.5, 0, 0, 0)
    assert sent[:15] == [4, 0, 4, 0, 7, 0, 1, 0, 1, 1, 1, 2, 0, 1, 1]
    assert sent[15:30] == [5, 0, 5, 0, 7, 0, 1, 0, 1, 1, 1, 0.5, 0, 1, 0]
    # How the episodes ended.
    assert sent[30:] == [3, 1, 3, 1, 7, 1, 4, 1, 4, 1, 7, 1]


def test_endings_are_sent_of_those_that_ended() -> None:
    copies = Copies([adapt(Counting(length=length), "fakes") for length in (3, 2)])
    copies.reset([0, 0])
    assert len(act(copies, *[0] * 6)) == copies.now
    sent = act(copies, *[0] * 6)
    assert sent[copies.now :] == [0, 2, 0, 2, 7, 2]
    assert [copies.header[2], len(sent)] == [4 * len(sent), copies.now + copies.final]


def test_numbers_of_infos_are_kept_until_they_are_taken() -> None:
    copies = Copies([adapt(Counting(length=length), "fakes") for length in (1, 2)])
    copies.reset([0, 0])
    for choice in (0, 1, 2):
        act(copies, choice, 0, 0, choice, 0, 0)
    assert copies.take_told() == [(0, {"choice": 1}), (0, {"choice": 2}), (1, {"choice": 2}), (0, {"choice": 3})]
    assert copies.take_told() == []
    act(copies, *[0] * 6)
    copies.reset([0, 0])
    assert copies.take_told() == []


def test_numbers_of_infos_are_means_over_agents() -> None:
    infos = [
        {"won": True, "hits": np.float32(1), "name": "a", "far": np.inf, "mask": np.zeros(3)},
        {"hits": 2, "safe": False},
    ]
    assert numbers_of(infos) == {"hits": 1.5, "safe": 0}
    assert [won(info) for info in infos] == [True, False]


class Reaching(Counting):
    """Reaches its goal on the last step that it is allowed."""

    def step(self, actions: dict[str, Any]) -> Any:
        seen, rewards, terminations, truncations, infos = super().step(actions)
        return seen, rewards, {a: over or terminations[a] for a, over in truncations.items()}, truncations, infos


def test_what_ends_by_itself_at_its_time_limit_is_terminated() -> None:
    copies = Copies([adapt(Reaching(length=1), "fakes")])
    copies.reset([0])
    act(copies, 0, 0, 0)
    assert copies.rows[0][-3:-1].tolist() == [1, 0]


class Keeping(Counting):
    """Keeps the actions that it was given, and changes them."""

    kept: ClassVar[list[Any]] = []

    def step(self, actions: dict[str, Any]) -> Any:
        self.kept.append(actions["b"])
        actions["b"] += 1
        return super().step(actions)


def test_environments_may_keep_actions_and_change_them() -> None:
    copies = Copies([adapt(Keeping(), "fakes")])
    copies.reset([0])
    for value in (0.25, 0.5):
        act(copies, 0, value, value)
    assert [kept.tolist() for kept in Keeping.kept] == [[1.25, 1.25], [1.5, 1.5]]


class Shrinking(Counting):
    """Sees less than its space says, from the first step on."""

    def _observe(self) -> dict[str, Any]:
        seen = super()._observe()
        return seen if self.time == 0 else {**seen, "b": seen["b"][:2]}


def test_observations_that_do_not_fit_their_space_are_named() -> None:
    copies = Copies([adapt(Shrinking(), "fakes")])
    copies.reset([0])
    with pytest.raises(ValueError, match="an observation or state has 2 numbers, its space has 3"):
        act(copies, 0, 0, 0)


def test_the_last_picture_of_an_episode_is_kept_where_pictures_were_asked_for() -> None:
    copies = Copies([adapt(Counting(length=1), "fakes") for _ in range(2)])
    copies.reset([0, 0])
    assert copies.picture(0, False)[1, 2].tolist() == [1, 2, 0]
    act(copies, *[0] * 6)
    assert copies.picture(0, True)[1, 2].tolist() == [1, 2, 1]
    assert list(copies.pictures) == [0]


def test_pictures_are_png() -> None:
    picture = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4) * 9
    png = _png(picture)
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", png[16:24]) == (3, 2)
    length = struct.unpack(">I", png[33:37])[0]
    lines = np.frombuffer(zlib.decompress(png[41 : 41 + length]), np.uint8).reshape(2, 10)
    assert lines[:, 0].tolist() == [2, 2]
    decoded = np.cumsum(lines[:, 1:], axis=0, dtype=np.uint8).reshape(2, 3, 3)
    assert decoded.tolist() == picture[:, :, :3].tolist()
    for wrong, found in [
        (np.zeros((2, 3), np.uint8), r"uint8 \[2, 3\]"),
        (np.ones((2, 3, 3)), r"float64 \[2, 3, 3\]"),
        (None, "nothing"),
    ]:
        with pytest.raises(ValueError, match=rf"render\(\) gave {found}, must be uint8 \[height, width, 3\]"):
            _png(wrong)


def test_spaces() -> None:
    assert action_space(Choice(3, start=1), "it") == Discrete(3)
    take = taker(Choice(3, start=1))
    assert take and take(2) == 3
    assert taker(Choice(3)) is None
    assert observation_space(Choice(3), "it").size == 3
    row = np.zeros(3, np.float32)
    writer(Choice(3, start=1))(2, row)
    assert row.tolist() == [0, 1, 0]
    with pytest.raises(SetupError, match="observation space of a is Sequence"):
        adapt(Broken(), "fakes")


def test_whole_numbers_are_the_nearest() -> None:
    space = Bounded(0, 10, 2)
    space.dtype = np.dtype(np.int32)
    take = taker(space)
    assert take and take(np.array([0.6, 9.4], np.float32)).tolist() == [1, 9]


class Alone:
    """Gymnasium's interface: three choices of which one is forbidden, told in an info or beside what is observed."""

    action_space = Choice(3)
    has_wins = True
    metadata: ClassVar[dict[str, Any]] = {"render_fps": "fast"}

    def __init__(self, where: str = "info", told: Any = True, length: int = 1) -> None:
        self.where, self.told, self.length = where, told, length
        inner = Bounded(-1, 1, 2)
        spaces = {"observation": inner, "action_mask": Bounded(0, 1, 3)}
        self.observation_space: Any = type("Dict", (), {"spaces": spaces})() if where == "dict" else inner

    def _seen(self) -> tuple[Any, Any]:
        mask = {"action_mask": np.array([1, 0, 1], np.int8)}
        seen = np.array([self.time, 0], np.float32)
        if self.where == "dict":
            return {"observation": seen, **mask}, {}
        return seen, mask if self.where == "info" else None

    def reset(self, seed: int | None = None) -> Any:
        self.time = 0
        return self._seen()

    def step(self, action: Any) -> Any:
        self.time += 1
        seen, info = self._seen()
        over = self.time == self.length
        told = {"won": self.told, "speed": 3, "huge": 10**400}
        return seen, np.array([action]), over, False, info if self.where == "nowhere" else {**info, **told}


@pytest.mark.parametrize("where", ["info", "dict"])
def test_a_team_of_one_has_masks_and_wins(where: str) -> None:
    team = adapt(Alone(where), "alone")
    assert [team.has_masks, team.has_wins, team.steps_per_second] == [True, True, None]
    copies = Copies([team])
    copies.reset([0])
    sent = copies.step(bytearray(struct.pack("<i", 2))).tolist()[HEADER_NUMBERS:]
    # What it sees, twice, its mask, that it can act, reward, termination, truncation, win; and how the episode ended.
    assert sent == [0, 0, 0, 0, 1, 0, 1, 1, 2, 1, 0, 1, 1, 0, 1, 0]
    assert copies.take_told() == [(0, {"speed": 3})]


def test_infos_may_be_missing() -> None:
    team = adapt(Alone("nowhere"), "alone")
    copies = Copies([team])
    copies.reset([0])
    copies.step(bytearray(struct.pack("<i", 1)))
    assert [team.has_masks, copies.take_told()] == [False, [(0, {})]]


def test_wins_that_nobody_counts_are_numbers() -> None:
    assert numbers_of([{"won": True}], has_wins=False) == {"won": 1}


class Disagreeing(Counting):
    """Its mask is of four choices."""

    def _infos(self) -> dict[str, Any]:
        return {"a": {"action_mask": np.ones(4)}, "b": {}}


class Late(Counting):
    """Has a mask only after the first step."""

    def _infos(self) -> dict[str, Any]:
        return {**super()._infos(), **({"a": {}} if self.time == 0 else {})}


def test_masks_fit_and_are_there_from_the_start() -> None:
    copies = Copies([adapt(Disagreeing(), "fakes")])
    with pytest.raises(ValueError, match="an action mask has 4 numbers, there are 3 choices"):
        copies.reset([0])
    late = Copies([adapt(Late(length=2), "fakes")])
    late.reset([0])
    act(late, 0, 0, 0)
    with pytest.raises(SetupError, match="an action_mask at the end of an episode, and none had one at its reset"):
        act(late, 0, 0, 0)


class LateAlone(Alone):
    """Has a mask only after the first step."""

    def _seen(self) -> tuple[Any, Any]:
        seen, mask = super()._seen()
        return seen, mask if self.time > 0 else {}


def test_a_mask_of_a_team_of_one_is_there_from_the_start() -> None:
    late = Copies([adapt(LateAlone(), "alone")])
    late.reset([0])
    with pytest.raises(SetupError, match="an action_mask at the end of an episode, and none had one at its reset"):
        late.step(bytearray(struct.pack("<i", 0)))


class Relieving(Counting):
    """b begins when a leaves, and only b is paid then."""

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        seen, infos = super().reset(seed)
        self.agents = ["a"]
        return seen, infos

    def step(self, actions: dict[str, Any]) -> Any:
        seen, _, terminations, truncations, infos = super().step(actions)
        self.agents = ["b"]
        return seen, {"b": 100.0}, terminations, truncations, infos


def test_who_did_not_act_is_not_paid() -> None:
    copies = Copies([adapt(Relieving(), "fakes")])
    copies.reset([0])
    act(copies, 0, 0, 0)
    assert copies.rows[0][-4] == 0


class Nobody(Counting):
    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        seen, infos = super().reset(seed)
        self.agents = []
        return seen, infos


class Stranger(Nobody):
    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        seen, infos = super().reset(seed)
        self.agents = ["c"]
        return seen, infos


class Undeclared:
    def observation_space(self, agent: str) -> Any:
        return Bounded(0, 1, 1)

    action_space = observation_space


def test_agents_are_those_that_were_announced() -> None:
    for wrong, what in [
        (Nobody(), "possible_agents are a, b, and there is none after a reset"),
        (Stranger(), "possible_agents are a, b, and c is none of them"),
        (Undeclared(), "without possible_agents"),
    ]:
        with pytest.raises(SetupError, match=what):
            adapt(wrong, "fakes")


class Described(Counting):
    """Has a state that is no method."""

    state = {"time": 0}  # type: ignore[assignment]  # noqa: RUF012


def test_a_state_that_is_no_method_is_none() -> None:
    assert adapt(Described(), "fakes").state_space.size == 5


def test_a_reward_is_a_number() -> None:
    assert [number_of(reward) for reward in (1, np.array([2.5]), np.float32(0.5))] == [1, 2.5, 0.5]
    with pytest.raises(TypeError, match=r"a reward is \[1, 2\], must be a number"):
        number_of([1, 2])


def test_what_is_missing_is_named() -> None:
    with pytest.raises(SetupError, match="no Python module nosuch: install it"):
        load("nosuch", None, {})
    with pytest.raises(SetupError, match="unexpected keyword argument 'wrong'"):
        load("fakes", None, {"wrong": 1})
