"""Copies of an environment that are stepped together, and the memory in which their moments are written."""

from __future__ import annotations

from collections.abc import Sequence
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
        choices = [space.n if isinstance(space, Discrete) else 0 for space in team.action_spaces]
        seen = sum(space.size for space in team.observation_spaces) + team.state_space.size
        active_at = seen + sum(choices)
        results_at = active_at + len(team.agents)
        row = results_at + _RESULTS
        #: How many numbers there are where no episode ended, and for each that did.
        self.now, self.final = n * row, seen
        # A message lies in memory as it is sent.
        self.message: Array = np.zeros(HEADER_NUMBERS + n * (row + seen), np.float32)
        self.header = self.message[:HEADER_NUMBERS].view(np.uint32)
        self.memory = self.message[HEADER_NUMBERS:]
        self.rows = self.memory[: self.now].reshape(n, row)
        self.final_rows = self.memory[self.now :].reshape(n, seen)
        self.rows[:, seen:results_at] = 1
        # Parts of rows, made once.
        self.seen = [row[:seen] for row in self.rows]
        self.masks = [np.split(row[seen:active_at], np.cumsum(choices)[:-1]) for row in self.rows]
        self.active = [row[active_at:results_at] for row in self.rows]
        # Single numbers are written faster through this.
        self._numbers: Any = self.memory.data
        self._results_at = [e * row + results_at for e in range(n)]
        self._discrete = [isinstance(space, Discrete) for space in team.action_spaces]
        widths = [1 if isinstance(space, Discrete) else space.size for space in team.action_spaces]
        #: The size of all agents' vectors, where they are alike; 0: they are not.
        self._vectors = 0 if any(self._discrete) or len(set(widths)) > 1 else widths[0]
        ends = np.cumsum(widths * n).tolist()
        parts = [slice(end - width, end) for end, width in zip(ends, widths * n)]
        self._parts = [parts[e * len(widths) : (e + 1) * len(widths)] for e in range(n)]
        #: Which copy something is being done with.
        self.copy: int | None = None
        #: Copies whose pictures were asked for, and how their last episodes ended.
        self.pictures: dict[int, Any] = {}

    def reset(self, seeds: Sequence[float]) -> Array:
        """Starts every copy from its seed; the message to send."""
        for e, team in enumerate(self.teams):
            self.copy = e
            team.reset(int(seeds[e]))
            self._look(e)
        self.copy = None
        return self._answer(0)

    def step(self, data: bytearray) -> Array:
        """Takes a step everywhere; the message to send. Environments may keep the actions, whose memory `data` is."""
        numbers = self._numbers
        ended = 0
        for e, (team, actions) in enumerate(zip(self.teams, self._joint_actions(data))):
            self.copy = e
            reward, terminated, truncated = team.step(actions)
            at = self._results_at[e]
            numbers[at] = reward
            numbers[at + 1] = terminated
            numbers[at + 2] = truncated
            if terminated or truncated:
                numbers[at + 3] = team.won
                team.see(self.final_rows[ended])
                ended += 1
                if e in self.pictures:
                    self.pictures[e] = team.render()
                team.reset(None)
            self._look(e)
        self.copy = None
        return self._answer(ended)

    def picture(self, e: int, final: bool) -> Any:
        """How copy e looks; `final`: how its last episode ended, if it has been asked for a picture before."""
        self.copy = e
        last = self.pictures.setdefault(e, None)
        picture = last if final and last is not None else self.teams[e].render()
        self.copy = None
        return picture

    def _look(self, e: int) -> None:
        team = self.teams[e]
        team.see(self.seen[e])
        if team.has_inactive:
            team.active(self.active[e])
        if team.has_masks:
            team.masks(self.masks[e])

    def _joint_actions(self, data: bytearray) -> list[Any]:
        """By copy, what each agent does."""
        flat = np.frombuffer(data, np.float32)
        if all(self._discrete):
            joint: list[Any] = flat.astype(int).reshape(len(self.teams), -1).tolist()
            return joint
        if self._vectors:
            return [list(vectors) for vectors in flat.reshape(len(self.teams), -1, self._vectors)]
        return [
            [int(flat[part.start]) if discrete else flat[part] for discrete, part in zip(self._discrete, parts)]
            for parts in self._parts
        ]

    def _answer(self, ended: int) -> Array:
        """The message that says how things are now, and how so many episodes ended."""
        end = self.now + ended * self.final
        self.header[2] = 4 * end
        return self.message[: HEADER_NUMBERS + end]
