"""The serving loop: requests in, moments out. The format is in README.md."""

from __future__ import annotations

import gc
import json
import os
import struct
import sys
import traceback
import zlib
from typing import Any

import numpy as np

from .copies import Copies
from .load import load
from .pipes import MOMENT, STEP, Pipes
from .team import Box, Discrete, SetupError, Space, Team

VERSION = 4
OPEN, RESET, RENDER, SCENE, INFOS = 1, 2, 4, 5, 7
OPENED, FRAME, ERROR, SEEN, TOLD = 1, 3, 4, 5, 7


def _space(space: Space) -> dict[str, Any]:
    if isinstance(space, Discrete):
        return {"kind": "discrete", "n": space.n}
    bounds = [[None if not np.isfinite(value) else float(value) for value in side] for side in (space.low, space.high)]
    return {"kind": "box", "size": space.size, "low": bounds[0], "high": bounds[1]}


def _png(picture: Any) -> bytes:
    """A PNG of [height, width, 3] or more; https://www.w3.org/TR/png/."""
    given = np.asarray(picture)
    if given.dtype.kind not in "iu" or given.ndim != 3 or given.shape[2] < 3:
        found = "nothing" if picture is None else f"{given.dtype} {list(given.shape)}"
        raise ValueError(f"render() gave {found}, must be uint8 [height, width, 3]")
    pixels = np.ascontiguousarray(given, np.uint8)
    height, width = pixels.shape[:2]
    lines = pixels[:, :, :3].reshape(height, 3 * width)
    # Each line as its difference from the one above (filter 2): most of it is zeros.
    filtered = np.empty((height, 1 + 3 * width), np.uint8)
    filtered[:, 0] = 2
    filtered[0, 1:] = lines[0]
    np.subtract(lines[1:], lines[:-1], out=filtered[1:, 1:])

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(filtered.tobytes(), 6))
        + chunk(b"IEND", b"")
    )


def _open(request: dict[str, Any], pipes: Pipes) -> tuple[list[Copies], dict[str, Any]]:
    if request["version"] != VERSION:
        raise SetupError(f"bpta speaks version {request['version']} of the protocol, this bpta_env version {VERSION}")
    draws = request["draws"]
    if draws and sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        # There is no screen; what draws must not look for one.
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
        os.environ.setdefault("MUJOCO_GL", "egl")

    def make() -> Team:
        return load(request["module"], request["variant"], request["args"], draws=draws)

    groups = [Copies([make() for _ in range(group["copies"])], group["first"]) for group in request["groups"]]
    team = groups[0].teams[0]
    for agent, space in zip(team.agents, team.observation_spaces):
        if not isinstance(space, Box) or space.size < 1:
            raise SetupError(f"the observation space of {agent} is empty, must hold at least one number")
    memory = pipes.share(groups)
    for number, group in enumerate(groups):
        group.header[:2] = MOMENT, number
    return groups, {
        "version": VERSION,
        "memory": memory,
        "agents": list(team.agents),
        "observationSpaces": [_space(space) for space in team.observation_spaces],
        "actionSpaces": [_space(space) for space in team.action_spaces],
        "stateSpace": _space(team.state_space),
        "hasActionMasks": team.has_masks,
        "hasInactiveAgents": team.has_inactive,
        "hasWins": team.has_wins,
        "renders": team.renders,
        "stepsPerSecond": team.steps_per_second,
    }


def serve(pipes: Pipes) -> None:
    """Answers requests until the other side goes, and closes what there is then."""
    groups: list[Copies] = []
    try:
        _answer_all(pipes, groups)
    except BrokenPipeError:
        # It went while an answer was under way.
        pass
    finally:
        for team in (team for group in groups for team in group.teams):
            try:
                team.close()
            except Exception:  # noqa: BLE001 (the others are to be closed as well)
                traceback.print_exc()


def _answer_all(pipes: Pipes, groups: list[Copies]) -> None:
    while message := pipes.read():
        kind, number, data = message
        copies = groups[number] if groups else None
        try:
            if copies is None:
                request = json.loads(bytes(data))
                made, opened = _open(request, pipes)
                groups.extend(made)
                # What is there now stays: it need not be looked through for garbage again and again.
                gc.collect()
                gc.freeze()
                pipes.write_json(OPENED, number, opened)
                continue
            if kind == STEP:
                pipes.write_moment(number, copies.step(data))
            elif kind == RESET:
                pipes.write_moment(number, copies.reset(np.frombuffer(data, np.float64).tolist()))
            elif kind == INFOS:
                pipes.write_json(TOLD, number, copies.take_told())
            elif kind in (RENDER, SCENE):
                e, final = struct.unpack("<II", data)
                if kind == RENDER:
                    pipes.write(FRAME, number, _png(copies.picture(e, final == 1)))
                else:
                    pipes.write_json(SEEN, number, copies.teams[e].scene(final == 1))
            else:
                raise SetupError(f"request of an unknown kind {kind}")
        except SetupError as error:
            pipes.write_json(ERROR, number, {"message": str(error), "traceback": None, "copy": None})
        except Exception as error:  # noqa: BLE001 (whatever an environment raises)
            copy = None if copies is None or copies.copy is None else copies.first + copies.copy
            summary = " ".join("".join(traceback.format_exception_only(type(error), error)).split())
            told = {"message": summary, "traceback": traceback.format_exc(), "copy": copy}
            pipes.write_json(ERROR, number, told)
