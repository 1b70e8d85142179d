"""Requests and answers: over two pipes, and steps through memory that both sides see, where there is some."""

from __future__ import annotations

import json
import mmap
import os
import select
import struct
import time
from typing import Any

from .copies import Copies

STEP, WAKE = 3, 6
MOMENT = 2

_HEADER = struct.Struct("<III")
#: A line of the processor's cache. What one side writes and the other looks at has one of its own.
_LINE = 64
#: How long to look for a request before sleeping until it comes, as long as bpta looks for an answer: being woken takes
#: a part of that, and both are slow when they begin again after a rest.
_PATIENCE_SECONDS = 0.003
#: Looks between two looks at the clock.
_LOOKS = 16
#: After looking in vain again and again, at most so many waits go without a look.
_MOST_SKIPPED = 63

Request = tuple[int, int, memoryview]


def _lines(size: int) -> int:
    """Bytes of as many whole lines as hold so many."""
    return -(-size // _LINE) * _LINE


class Pipes:
    """Messages over two file descriptors. `memory`: one of an empty file that bpta has opened too; None: there is none.

    In memory, the writer of a number writes what it stands for before it. Who goes to sleep says so in memory first, and
    is woken through the pipe.
    """

    def __init__(self, requests: int, answers: int, memory: int | None = None) -> None:
        self.requests, self.answers, self._file = requests, answers, memory
        poll = select.poll()
        poll.register(requests, select.POLLIN)
        self._poll = poll.poll
        #: Waits that were in vain, one after the other, and how many are left that are not looked at.
        self._missed = self._skipped = 0
        self._keep(bytearray(1 << 16))
        #: Bytes of requests that have been read, and of the one that was taken last.
        self._filled = self._taken = 0
        #: By group that has its place in memory: the number of the step that is asked for, and the request that it is.
        self._asked: list[tuple[memoryview, Request]] = []
        #: By such a group, how many moments it has shown.
        self._shown: list[memoryview] = []
        #: The number of the step that will be asked for next.
        self._next = 1
        #: Whether this side sleeps; whether the other does, and whether it wants both to wait awake, a little.
        self._sleep: Any = [0]
        self._other: Any = [0, 0]
        #: Whether the other side was woken since the last moment.
        self._woken = False

    def _keep(self, buffer: bytearray) -> None:
        self._buffer = buffer
        self._view = memoryview(buffer)

    def share(self, groups: list[Copies]) -> list[list[int]] | None:
        """Gives each group its places in the memory; by group, where actions and moments have theirs. None where there
        is no memory."""
        if self._file is None:
            return None
        places, end = [], 2 * _LINE
        for group in groups:
            moments = end + _LINE + _lines(group.actions_size)
            places.append([end, moments])
            end = moments + _LINE + _lines(group.size)
        try:
            # All of it now: where memory ran out later, that would end the process.
            os.posix_fallocate(self._file, 0, end)
            memory = memoryview(mmap.mmap(self._file, end))
        except OSError:
            return None
        finally:
            os.close(self._file)
            self._file = None

        def numbers(at: int, count: int = 1) -> memoryview:
            return memory[at : at + 4 * count].cast("I")

        self._sleep, self._other = numbers(0), numbers(_LINE, 2)
        for g, (group, (actions, moments)) in enumerate(zip(groups, places)):
            taken = memory[actions + _LINE : actions + _LINE + group.actions_size]
            self._asked.append((numbers(actions), (STEP, g, taken)))
            self._shown.append(numbers(moments))
            group.lay_out(memory[moments + _LINE : moments + _LINE + group.size])
        return places

    def read(self) -> Request | None:
        """A request's kind, group, and payload, which the next call overwrites; None where the other side has gone."""
        step = self._look()
        while not step:
            if self._asked and self._filled == self._taken:
                step = self._doze()
                if step:
                    break
            request = self._read()
            if request is None or request[0] != WAKE:
                return request
            step = self._find()
        return step

    def _doze(self) -> Request | None:
        """Sleeps until there is a message to read, or a step is asked for."""
        self._sleep[0] = 1
        step = None
        # After a sleep, however short, each side sees what the other wrote before it looked who sleeps.
        if not self._poll(1):
            step = self._find()
            if not step:
                self._wake()
                self._poll(None)
        self._sleep[0] = 0
        return step

    def _find(self) -> Request | None:
        """The step that is asked for in memory."""
        for asked, step in self._asked:
            if asked[0] == self._next:
                self._next = (self._next + 1) & 0xFFFFFFFF
                return step
        return None

    def _look(self) -> Request | None:
        """Waits a little for a request, awake. Where that is in vain again and again, it is done ever more rarely."""
        if self._skipped or not self._other[1] or self._filled > self._taken:
            self._skipped = max(0, self._skipped - 1)
            return self._find()
        until = time.perf_counter() + _PATIENCE_SECONDS
        while True:
            for _ in range(_LOOKS):
                if step := self._find():
                    self._missed = 0
                    return step
            self._wake()
            if self._poll(0):
                return None
            if time.perf_counter() > until:
                self._missed = self._skipped = min(2 * self._missed + 1, _MOST_SKIPPED)
                return None

    def _read(self) -> Request | None:
        """A request that comes by the pipe."""
        filled = self._filled - self._taken
        if filled:
            self._buffer[:filled] = self._buffer[self._taken : self._filled]
        end = _HEADER.size
        while True:
            if filled >= _HEADER.size:
                kind, group, length = _HEADER.unpack_from(self._buffer)
                end = _HEADER.size + length
                if filled >= end:
                    break
                if end > len(self._buffer):
                    self._keep(self._buffer + bytearray(end - len(self._buffer)))
            count = os.readv(self.requests, [self._view[filled:]])
            if count == 0:
                return None
            filled += count
        self._filled, self._taken = filled, end
        return kind, group, self._view[_HEADER.size : end]

    def write_moment(self, number: int, message: Any) -> None:
        """Sends what a group's copies have come to, a message that lies where the group was told to write."""
        if not self._shown:
            self._write_whole(message)
            return
        shown = self._shown[number]
        shown[0] = (shown[0] + 1) & 0xFFFFFFFF
        self._woken = False
        self._wake()

    def _wake(self) -> None:
        """Wakes the other side if it sleeps."""
        if self._other[0] and not self._woken:
            self._woken = True
            self.write(WAKE, 0, b"")

    def _write_whole(self, message: Any) -> None:
        view = memoryview(message).cast("B")
        done = os.write(self.answers, view)
        while done < len(view):
            done += os.write(self.answers, view[done:])

    def write(self, kind: int, group: int, payload: bytes) -> None:
        self._write_whole(_HEADER.pack(kind, group, len(payload)) + payload)

    def write_json(self, kind: int, group: int, value: Any) -> None:
        self.write(kind, group, json.dumps(value).encode())
