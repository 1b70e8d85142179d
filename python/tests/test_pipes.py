"""Messages, and steps through memory, with the other side's part played here."""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from fakes import Counting

from bpta_env.copies import Copies
from bpta_env.load import adapt
from bpta_env.pipes import STEP, WAKE, Pipes

RESET = 2
needs_memory = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="memory files are Linux's")


class Other:
    """The other side: its ends of the pipes, and its view of the memory."""

    def __init__(self, memory: bool) -> None:
        requests, self.requests = os.pipe()
        self.answers, answers = os.pipe()
        self.memory = os.memfd_create("test") if memory else -1
        self.pipes = Pipes(requests, answers, os.dup(self.memory) if memory else None)

    def send(self, *messages: tuple[int, int, bytes]) -> None:
        os.write(self.requests, b"".join(struct.pack("<III", k, g, len(data)) + data for k, g, data in messages))

    def put(self, at: int, data: bytes) -> None:
        os.pwrite(self.memory, data, at)

    def number(self, at: int) -> int:
        return int(struct.unpack("<I", os.pread(self.memory, 4, at))[0])


@pytest.fixture
def groups() -> list[Copies]:
    return [Copies([adapt(Counting(), "fakes") for _ in range(2)], 2 * g) for g in range(2)]


@pytest.fixture(params=[False, True])
def awake(request: Any) -> Iterator[bool]:
    yield request.param


def test_messages_that_come_together_are_read_one_by_one() -> None:
    other = Other(memory=False)
    other.send((RESET, 0, b"one"), (RESET, 1, b"three"))
    assert [(kind, group, bytes(data)) for kind, group, data in [other.pipes.read()]] == [(RESET, 0, b"one")]  # type: ignore[misc]
    assert bytes(other.pipes.read()[2]) == b"three"  # type: ignore[index]
    other.send((RESET, 0, bytes(200_000)[:40_000]))
    assert len(other.pipes.read()[2]) == 40_000  # type: ignore[index]
    os.close(other.requests)
    assert other.pipes.read() is None


def test_without_memory_there_is_none(groups: list[Copies]) -> None:
    assert Other(memory=False).pipes.share(groups) is None


def test_memory_that_can_not_be_had_is_done_without(groups: list[Copies]) -> None:
    read_only = os.open(os.devnull, os.O_RDONLY)
    pipes = Pipes(0, 1, read_only)
    assert pipes.share(groups) is None
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(read_only)


@needs_memory
def test_steps_are_found_in_the_order_in_which_they_are_asked_for(groups: list[Copies], awake: bool) -> None:
    other = Other(memory=True)
    places = other.pipes.share(groups)
    assert places
    other.put(68, struct.pack("<I", awake))
    # Resets by the pipe, both at once: the second must not be slept over.
    other.send((RESET, 0, b"a"), (RESET, 1, b"b"))
    assert [other.pipes.read()[1] for _ in range(2)] == [0, 1]  # type: ignore[index]
    for number, group in [(1, 1), (2, 0)]:
        other.put(places[group][0] + 64, bytes([group] * 24))
        other.put(places[group][0], struct.pack("<I", number))
    for group in (1, 0):
        kind, which, data = other.pipes.read()  # type: ignore[misc]
        assert (kind, which, bytes(data)) == (STEP, group, bytes([group] * 24))


@needs_memory
def test_who_sleeps_is_woken_and_who_does_not_is_not(groups: list[Copies], awake: bool) -> None:
    other = Other(memory=True)
    pipes = other.pipes
    places = pipes.share(groups)
    assert places
    other.put(68, struct.pack("<I", awake))
    pipes.write_moment(0, groups[0].message)
    assert other.number(places[0][1]) == 1
    os.set_blocking(other.answers, False)
    with pytest.raises(BlockingIOError):
        os.read(other.answers, 12)

    def ask() -> None:
        while other.number(0) == 0:
            time.sleep(0.001)
        # Asleep, after the moment was shown, and before this side finds it: it is woken all the same.
        other.put(64, struct.pack("<I", 1))
        time.sleep(0.01)
        other.put(places[0][0], struct.pack("<I", 1))
        other.send((WAKE, 0, b""))

    asking = threading.Thread(target=ask)
    asking.start()
    assert pipes.read()[:2] == (STEP, 0)  # type: ignore[index]
    asking.join()
    assert other.number(0) == 0
    pipes.write_moment(0, groups[0].message)
    assert other.number(places[0][1]) == 2
    assert struct.unpack("<III", os.read(other.answers, 12)) == (WAKE, 0, 0)
    # A call that woke nobody does no harm.
    other.send((WAKE, 0, b""), (RESET, 1, b"x"))
    assert pipes.read()[:2] == (RESET, 1)  # type: ignore[index]


@needs_memory
def test_the_other_side_may_go(groups: list[Copies]) -> None:
    other = Other(memory=True)
    other.pipes.share(groups)
    os.close(other.requests)
    assert other.pipes.read() is None
