"""What steps in PyTorch share that are measured beside ours (bench/peer.ts)."""

import json
import sys
import time
from collections.abc import Callable

import torch
from torch import nn

torch.manual_seed(0)


def descend(module: nn.Module, optimizer: torch.optim.Optimizer, loss: torch.Tensor, max_norm: float) -> None:
    """One step down a loss, whose gradient is made no longer than `max_norm`."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(module.parameters(), max_norm)
    optimizer.step()


def serve(prepare: Callable[..., Callable[[], None]]) -> None:
    """Reads cases and `repeats`, a line of JSON each, from standard input, answers each with the seconds of every repeat.

    `prepare` makes what takes a step of a case, once. A case without `threads` has one."""
    steps: dict[tuple[int, ...], Callable[[], None]] = {}
    print(json.dumps({"title": f"PyTorch {torch.__version__}"}), flush=True)
    for line in sys.stdin:
        case = json.loads(line)
        repeats, threads = case.pop("repeats"), case.pop("threads", 1)
        torch.set_num_threads(threads)
        key = tuple(case.values())
        if key not in steps:
            steps[key] = prepare(**case)
        seconds = []
        for _ in range(repeats):
            start = time.perf_counter()
            steps[key]()
            seconds.append(time.perf_counter() - start)
        print(json.dumps(seconds), flush=True)
