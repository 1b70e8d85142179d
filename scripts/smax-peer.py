"""Trains JaxMARL's own recurrent MAPPO on a scenario of SMAX, unchanged, and prints its metrics as lines of JSON.

    git clone https://github.com/FLAIROx/JaxMARL && git -C JaxMARL checkout c793d09
    pip install jaxmarl==0.2.0 flax optax distrax hydra-core omegaconf matplotlib gymnax
    python scripts/smax-peer.py JaxMARL 5m_vs_6m > peer.jsonl

Its script logs to Weights & Biases once per update; a module of that name, made here, prints instead. `win_rate` is the
share of the rollout's finished battles that were won by drawn actions, as our `winRate`. JaxMARL prints two lines of its
own first.
"""

import argparse
import json
import sys
import time
import types
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("clone", type=Path, help="directory of the repository")
parser.add_argument("scenario")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--steps", type=float, help="environment steps (default: as configured there)")
arguments = parser.parse_args()

begin = time.monotonic()


def log(metrics: dict) -> None:
    numbers = {name: float(value) for name, value in metrics.items()}
    print(json.dumps({**numbers, "wallSeconds": time.monotonic() - begin}), flush=True)


sys.modules["wandb"] = types.SimpleNamespace(log=log)
baseline = arguments.clone / "baselines" / "MAPPO"
sys.path.insert(0, str(baseline))

import jax  # noqa: E402
import mappo_rnn_smax  # noqa: E402
from omegaconf import OmegaConf  # noqa: E402

config = OmegaConf.to_container(OmegaConf.load(baseline / "config" / "mappo_homogenous_rnn_smax.yaml"))
config |= {"MAP_NAME": arguments.scenario, "SEED": arguments.seed}
if arguments.steps:
    config["TOTAL_TIMESTEPS"] = arguments.steps
# The learning rate falls to 0 over so many steps: a shorter run is not the beginning of a longer one.
jax.block_until_ready(jax.jit(mappo_rnn_smax.make_train(config))(jax.random.PRNGKey(config["SEED"])))
