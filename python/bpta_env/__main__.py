"""`python -m bpta_env [MEMORY]`: serves over stdin and stdout, which bpta holds the other ends of, and in a file, of
which MEMORY is the descriptor."""

from __future__ import annotations

import ctypes
import faulthandler
import json
import os
import signal
import struct
import sys


def main() -> None:
    # bpta decides what Ctrl-C ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # It also decides when something takes too long, and asks where before it ends the process.
    faulthandler.register(signal.SIGUSR1)
    # The pipes are ours: what environments print goes to stderr, and they have nothing to read.
    requests, answers = os.dup(0), os.dup(1)

    def let_go() -> None:
        os.close(requests)
        os.close(answers)

    # What an environment forks does not have them: as long as anybody does, bpta does not see that we are gone.
    os.register_at_fork(after_in_child=let_go)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    memory = None
    if len(sys.argv) > 1:
        memory = int(sys.argv.pop())
        os.set_inheritable(memory, False)
    if sys.platform == "linux":
        # Nobody outlives bpta, not even inside a step.
        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    try:
        from .pipes import Pipes
        from .server import serve
    except ModuleNotFoundError as error:
        text = (
            f"the Python {sys.executable} has no {error.name}: install it (pip install {error.name}), or set "
            "env.options.python or BPTA_PYTHON to a Python that has it"
        )
        payload = json.dumps({"message": text, "traceback": None, "copy": None}).encode()
        os.write(answers, struct.pack("<III", 4, 0, len(payload)) + payload)
        return
    serve(Pipes(requests, answers, memory))


main()
