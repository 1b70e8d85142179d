"""Copies of an environment that are stepped together, and the memory in which their moments are written."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from .team import Array, Discrete, Team

#: uint32: kind, group and length of a message's payload, which lie before it.
HEADER_NUMBERS = 3
#: Of a copy: reward, termination, truncation, win.
_RESULTS = 4


class Copies:
    """A group of copies. `first`: the number of its first among all that bpta has."""

    def __init__(self, teams: list[Team], first: int = 0) -> None:
        self.teams, self.first = teams, first
        team, n = teams[0], len(teams)
        self._choices = [space.n if isinstance(space, Discrete) else 0 for space in team.action_spaces]
        seen = sum(space.size for space in team.observation_spaces) + team.state_space.size
        self._row = seen + sum(self._choices) + len(team.agents) + _RESULTS
        #: How many numbers there are where no episode ended, and for each that did.
        self.now, self.final = n * self._row, seen
        self._results_at = [(e + 1) * self._row - _RESULTS for e in range(n)]
        self._discrete = [isinstance(space, Discrete) for space in team.action_spaces]
        self._all_discrete, self._some_discrete = all(self._discrete), any(self._discrete)
        widths = [1 if isinstance(space, Discrete) else space.size for space in team.action_spaces]
        #: Bytes of the actions of all.
        self.actions_size = 4 * n * sum(widths)
        ends = np.cumsum(widths * n).tolist()
        parts = [slice(end - width, end) for end, width in zip(ends, widths * n)]
        self._parts = [parts[e * len(widths) : (e + 1) * len(widths)] for e in range(n)]
        #: Where actions came from last, and that memory as numbers.
        self._data: Any = None
        self._taken: Any = None
        self._chosen: Any = None
        #: Which copy something is being done with.
        self.copy: int | None = None
        #: Copies whose pictures were asked for, and how their last episodes ended.
        self.pictures: dict[int, Any] = {}
        #: Of the episodes that ended since this was taken: the copy, and what was told.
        self.told: list[tuple[int, dict[str, float]]] = []
        self.lay_out(bytearray(self.size))

    @property
    def size(self) -> int:
        """Bytes of the longest message."""
        return 4 * (HEADER_NUMBERS + self.now + len(self.teams) * self.final)

    def lay_out(self, memory: Any) -> None:
        """From now on writes messages into `memory`, where they lie as they are sent."""
        self.message: Array = np.frombuffer(memory, np.float32, self.size // 4)
        self.message[:] = 0
        self.header = self.message[:HEADER_NUMBERS].view(np.uint32)
        numbers = self.message[HEADER_NUMBERS:]
        self.rows = numbers[: self.now].reshape(len(self.teams), self._row)
        self.final_rows = list(numbers[self.now :].reshape(-1, self.final))
        seen, active_at, results_at = self.final, self.final + sum(self._choices), self._row - _RESULTS
        self.rows[:, seen:results_at] = 1
        # Parts of rows, made once.
        self.seen = [row[:seen] for row in self.rows]
        self.active = [row[active_at:results_at] for row in self.rows]
        self.masks = [np.split(row[seen:active_at], np.cumsum(self._choices)[:-1]) for row in self.rows]
        #: By copy, what writes how it is now.
        self._looks: list[list[Any]] = []
        for e, team in enumerate(self.teams):
            looks = [partial(team.see, self.seen[e])]
            if team.has_inactive:
                looks.append(partial(team.active, self.active[e]))
            if team.has_masks:
                looks.append(partial(team.masks, self.masks[e]))
            self._looks.append(looks)
        # Single numbers are written faster through this.
        self._numbers: Any = numbers.data

    def reset(self, seeds: Sequence[float]) -> Array:
        """Starts every copy from its seed; the message to send."""
        self.told = []
        for e, team in enumerate(self.teams):
            self.copy = e
            team.reset(int(seeds[e]))
        return self._answer(0)

    def step(self, data: Any) -> Array:
        """Takes a step everywhere; the message to send. `data` are the actions, in memory that may be used again."""
        numbers = self._numbers
        ended = 0
        joint = self._joint_actions(data)
        # First all of them step, then all are looked at: code that runs again at once runs fast.
        for e, team in enumerate(self.teams):
            self.copy = e
            reward, terminated, truncated = team.step(joint[e])
            at = self._results_at[e]
            numbers[at] = reward
            numbers[at + 1] = terminated
            numbers[at + 2] = truncated
            if terminated or truncated:
                numbers[at + 3] = team.won
                self.told.append((e, dict(team.told)))
                team.see(self.final_rows[ended])
                ended += 1
                if e in self.pictures:
                    self.pictures[e] = team.render()
                team.reset(None)
        return self._answer(ended)

    def take_told(self) -> list[tuple[int, dict[str, float]]]:
        """What was told of the episodes that ended since the last time or reset."""
        told, self.told = self.told, []
        return told

    def picture(self, e: int, final: bool) -> Any:
        """How copy e looks; `final`: how its last episode ended, if it has been asked for a picture before."""
        self.copy = e
        last = self.pictures.setdefault(e, None)
        picture = last if final and last is not None else self.teams[e].render()
        self.copy = None
        return picture

    def _joint_actions(self, data: Any) -> list[Any]:
        """By copy, what each agent does; vectors in memory of their own, which environments may keep and change."""
        if data is not self._data:
            self._data = data
            self._taken = np.frombuffer(data, np.float32)
            shape = (len(self.teams), len(self._discrete)) if self._all_discrete else (self._taken.size,)
            self._chosen = memoryview(data).cast("B").cast("i", shape)
        if self._all_discrete:
            chosen: list[Any] = self._chosen.tolist()
            return chosen
        taken = self._taken.copy()
        if not self._some_discrete:
            return [[taken[part] for part in parts] for parts in self._parts]
        return [
            [self._chosen[part.start] if discrete else taken[part] for discrete, part in zip(self._discrete, parts)]
            for parts in self._parts
        ]

    def _answer(self, ended: int) -> Array:
        """The message that says how things are now, and how so many episodes ended."""
        for e, looks in enumerate(self._looks):
            self.copy = e
            for look in looks:
                look()
        self.copy = None
        end = self.now + ended * self.final
        self.header[2] = 4 * end
        return self.message[: HEADER_NUMBERS + end]
