"""The serving loop: requests in, moments out. The format is in README.md."""

from __future__ import annotations

import faulthandler
import json
import math
import os
import select
import struct
import sys
import time
import traceback
from typing import Any

import numpy as np

from .load import load
from .team import Array, Box, Discrete, SetupError, Space, Team

VERSION = 1
OPEN, RESET, STEP, RENDER = 1, 2, 3, 4
OPENED, MOMENT, FRAME, ERROR = 1, 2, 3, 4

_HEADER = struct.Struct("<II")


class Pipes:
    """Messages over two file descriptors."""

    def __init__(self, requests: int, answers: int) -> None:
        self.requests, self.answers = requests, answers

        self._buffer = bytearray(1 << 16)

    def read(self) -> tuple[int, memoryview] | None:
        """A request's kind and payload, in memory of its own; None where the other side has gone."""
        buffer = self._buffer
        got = 0
        end = _HEADER.size
        while got < end:
            count = os.readv(self.requests, [memoryview(buffer)[got:]])
            if count == 0:
                return None
            got += count
            if got >= _HEADER.size:
                end = _HEADER.size + _HEADER.unpack_from(buffer)[1]
                if end > len(buffer):
                    buffer = buffer + bytearray(end - len(buffer))
        # Environments may keep the actions that they are given.
        return _HEADER.unpack_from(buffer)[0], memoryview(bytes(memoryview(buffer)[_HEADER.size : end]))

    def write_whole(self, message: Any) -> None:
        """Writes a message that begins with its header."""
        view = memoryview(message).cast("B")
        while len(view):
            view = view[os.write(self.answers, view) :]

    def write(self, kind: int, payload: bytes) -> None:
        self.write_whole(_HEADER.pack(kind, len(payload)) + payload)

    def write_json(self, kind: int, value: Any) -> None:
        self.write(kind, json.dumps(value).encode())


class Watchdog:
    """Ends the process, with a traceback on stderr, where a request takes longer than `seconds`.

    It lives in a thread of C, so that code which never lets go of the interpreter is stopped too. Arming it costs some
    10 µs, so it is armed again only after a tenth of the time.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.armed_at: float | None = None

    def arm(self) -> None:
        now = time.monotonic()
        if self.armed_at is None or now - self.armed_at > self.seconds / 10:
            faulthandler.dump_traceback_later(self.seconds, exit=True, file=sys.__stderr__ or sys.stderr)
            self.armed_at = now

    def disarm(self) -> None:
        faulthandler.cancel_dump_traceback_later()
        self.armed_at = None


def _space(space: Space) -> dict[str, Any]:
    if isinstance(space, Discrete):
        return {"kind": "discrete", "n": space.n}
    bounds = [[None if not np.isfinite(value) else float(value) for value in side] for side in (space.low, space.high)]
    return {"kind": "box", "size": space.size, "low": bounds[0], "high": bounds[1]}


class Copies:
    """Copies of an environment, and the memory in which their moments are written."""

    def __init__(self, teams: list[Team]) -> None:
        self.teams = teams
        team, n = teams[0], len(teams)
        sizes = [space.size for space in team.observation_spaces]
        choices = [space.n if isinstance(space, Discrete) else 0 for space in team.action_spaces]
        agents = len(team.agents)
        self.now = n * (sum(sizes) + team.state_space.size + sum(choices) + agents + 4)
        # The message, its header before the arrays, so that it is sent as it lies.
        self.message: Array = np.zeros(2 + self.now + n * (sum(sizes) + team.state_space.size), np.float32)
        self.header = self.message[:2].view(np.uint32)
        self.memory = self.message[2:]
        self.ones: Array = np.ones(len(self.memory), np.float32)
        self._offset = 0
        self.observations = [self._take(n, size) for size in sizes]
        self.states = self._take(n, team.state_space.size)
        self.masks = [self._take(n, size) for size in choices]
        self.active = self._take(n, agents)
        self.rewards, self.terminations, self.truncations, self.wins = (self._take(n, 1)[:, 0] for _ in range(4))
        self.final_observations = [self._take(n, size) for size in sizes]
        self.final_states = self._take(n, team.state_space.size)
        self.active[:] = 1
        for mask in self.masks:
            mask[:] = 1
        # Rows by copy, made once.
        self.rows = [[array[e] for array in self.observations] for e in range(n)]
        self.mask_rows = [[array[e] for array in self.masks] for e in range(n)]
        self.final_rows = [[array[e] for array in self.final_observations] for e in range(n)]
        self.widths = [1 if isinstance(space, Discrete) else space.size for space in team.action_spaces]
        self.copy: int | None = None

    def _take(self, n: int, size: int) -> Array:
        start = self._offset
        self._offset += n * size
        return self.memory[start : self._offset].reshape(n, size)

    def _look(self, e: int) -> None:
        team = self.teams[e]
        team.observe(self.rows[e])
        team.state(self.states[e])
        if team.has_inactive:
            team.active(self.active[e])
        if team.has_masks:
            team.masks(self.mask_rows[e])

    def reset(self, seeds: Any) -> Array:
        """Starts every copy from its seed; the message to send."""
        for e, team in enumerate(self.teams):
            self.copy = e
            team.reset(int(seeds[e]))
            self._look(e)
        self.copy = None
        return self.answer(self.now)

    def answer(self, end: int) -> Array:
        """The message with so many numbers of the moment."""
        self._check(end)
        self.header[0] = MOMENT
        self.header[1] = 4 * end
        return self.message[: 2 + end]

    def step(self, data: Any) -> Array:
        """Takes a step everywhere; the message to send."""
        n = len(self.teams)
        flat = np.frombuffer(data, np.float32)
        actions: list[Any] = []
        offset = 0
        for width, space in zip(self.widths, self.teams[0].action_spaces):
            part = flat[offset : offset + n * width]
            offset += n * width
            actions.append(part.astype(int).tolist() if isinstance(space, Discrete) else list(part.reshape(n, width)))
        any_ended = False
        for e, (team, joint) in enumerate(zip(self.teams, zip(*actions))):
            self.copy = e
            reward, terminated, truncated = team.step(joint)
            self.rewards[e] = reward
            self.terminations[e] = terminated
            self.truncations[e] = truncated
            if terminated or truncated:
                any_ended = True
                self.wins[e] = team.won
                team.observe(self.final_rows[e])
                team.state(self.final_states[e])
                team.reset(None)
            self._look(e)
        self.copy = None
        return self.answer(len(self.memory) if any_ended else self.now)

    def _check(self, end: int) -> None:
        # A sum is finite only if all numbers are; it may overflow where they are, so they are looked at again.
        if not math.isfinite(self.memory[:end].dot(self.ones[:end])):
            bad = [e for e in range(len(self.teams)) if not self._finite(e)]
            if not bad:
                return
            self.copy = bad[0]
            raise ValueError("an observation, a state or a reward is not a finite number")

    def _finite(self, e: int) -> bool:
        rows = [*self.rows[e], self.states[e], self.rewards[e : e + 1], *self.final_rows[e], self.final_states[e]]
        return all(bool(np.isfinite(row).all()) for row in rows)


def _open(request: dict[str, Any]) -> tuple[Copies, dict[str, Any]]:
    if request["version"] != VERSION:
        raise SetupError(f"bpta speaks version {request['version']} of the protocol, this bpta_env version {VERSION}")
    teams = [load(request["module"], request["variant"], request["args"]) for _ in range(request["copies"])]
    team = teams[0]
    for agent, space in zip(team.agents, team.observation_spaces):
        if not isinstance(space, Box) or space.size < 1:
            raise SetupError(f"the observation space of {agent} is empty, must hold at least one number")
    return Copies(teams), {
        "version": VERSION,
        "agents": list(team.agents),
        "observationSpaces": [_space(space) for space in team.observation_spaces],
        "actionSpaces": [_space(space) for space in team.action_spaces],
        "stateSpace": _space(team.state_space),
        "hasActionMasks": team.has_masks,
        "hasInactiveAgents": team.has_inactive,
        "hasWins": team.has_wins,
        "renders": team.renders,
    }


def serve(pipes: Pipes) -> None:
    """Answers requests until the other side goes."""
    copies: Copies | None = None
    watchdog = Watchdog(60)
    first = 0
    while True:
        if not select.select([pipes.requests], [], [], 0.5)[0]:
            watchdog.disarm()
        message = pipes.read()
        if message is None:
            break
        kind, data = message
        try:
            if kind == OPEN:
                request = json.loads(bytes(data))
                first = request["first"]
                watchdog.seconds = float(request["timeLimitSeconds"])
                watchdog.arm()
                copies, opened = _open(request)
                pipes.write_json(OPENED, opened)
                continue
            assert copies is not None
            watchdog.arm()
            if kind == RESET:
                pipes.write_whole(copies.reset(np.frombuffer(data, np.float64)))
            elif kind == STEP:
                pipes.write_whole(copies.step(data))
            elif kind == RENDER:
                copies.copy = struct.unpack("<I", data)[0]
                picture = np.ascontiguousarray(copies.teams[copies.copy].render(), np.uint8)
                pipes.write(FRAME, struct.pack("<II", *picture.shape[:2]) + picture[:, :, :3].tobytes())
                copies.copy = None
            else:
                raise SetupError(f"request of an unknown kind {kind}")
        except SetupError as error:
            pipes.write_json(ERROR, {"message": str(error), "traceback": None, "copy": None})
        except Exception as error:  # noqa: BLE001 (whatever an environment raises)
            copy = None if copies is None or copies.copy is None else first + copies.copy
            summary = " ".join("".join(traceback.format_exception_only(type(error), error)).split())
            pipes.write_json(ERROR, {"message": summary, "traceback": traceback.format_exc(), "copy": copy})
    watchdog.disarm()
    if copies:
        for team in copies.teams:
            team.close()
