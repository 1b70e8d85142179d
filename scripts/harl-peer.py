"""Trains HARL's own HAPPO or MAPPO, unchanged, on Multi-Agent MuJoCo with its tuned settings.

    git clone https://github.com/PKU-MARL/HARL && git -C HARL checkout d539bad
    pip install torch==2.13.0 gymnasium==1.4.0 mujoco==4.0.0 imageio setproctitle tensorboardX pyyaml absl-py
    python scripts/harl-peer.py HARL HalfCheetah-v2-2x3 happo --seed 1 --steps 2000000 --out peer

Its environments are made for Gym 0.21 and MuJoCo 2.1; modules of Gym's names, made here, give it Gymnasium's robots of
MuJoCo's present version in that old form. All copies are stepped in one process. Its evaluations (steps, mean greedy
return) are lines of `progress.txt` under `--out`.
"""

import argparse
import json
import sys
import types
from pathlib import Path

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("clone", type=Path, help="directory of the repository")
parser.add_argument("task", help="a directory of its tuned_configs/mamujoco")
parser.add_argument("algorithm")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--steps", type=int, help="environment steps (default: as configured there)")
parser.add_argument("--out", default="peer")
arguments = parser.parse_args()


class Robot:
    """A robot of Gymnasium's, as Gym 0.21 had them."""

    def __init__(self, name: str) -> None:
        self.robot = gymnasium.make(name.replace("-v2", "-v5")).unwrapped
        self.action_space, self.observation_space = self.robot.action_space, self.robot.observation_space
        self._seed = None

    def _get_obs(self) -> np.ndarray:
        return self.robot._get_obs()

    def seed(self, seed: int) -> None:
        self._seed = int(seed)

    def reset(self) -> np.ndarray:
        seed, self._seed = self._seed, None
        return self.robot.reset(seed=seed)[0]

    def step(self, action: np.ndarray) -> tuple:
        observation, reward, terminated, _, info = self.robot.step(np.asarray(action))
        return observation, reward, terminated, info

    def close(self) -> None:
        self.robot.close()


class Wrapper:
    def __init__(self, env) -> None:
        self.env = env

    def __getattr__(self, name: str):
        return getattr(self.env, name)


class TimeLimit(Wrapper):
    def __init__(self, env, max_episode_steps: int = 1000) -> None:
        super().__init__(env)
        self._max_episode_steps, self._elapsed = max_episode_steps, 0

    def reset(self):
        self._elapsed = 0
        return self.env.reset()

    def step(self, action):
        observation, reward, done, info = self.env.step(action)
        self._elapsed += 1
        return observation, reward, done or self._elapsed >= self._max_episode_steps, info


class ActionWrapper(Wrapper):
    def step(self, action):
        return self.env.step(self.action(action))


def module(name: str, **content) -> types.ModuleType:
    made = types.ModuleType(name)
    made.__dict__.update(content)
    sys.modules[name] = made
    return made


empty = type("Empty", (), {})
module(
    "gym",
    __path__=[],
    make=lambda name: TimeLimit(Robot(name)),
    ActionWrapper=ActionWrapper,
    Wrapper=Wrapper,
    Env=object,
    spaces=module("gym.spaces", Box=Box, Discrete=Discrete),
    wrappers=module("gym.wrappers", TimeLimit=TimeLimit),
    error=module("gym.error", Error=KeyError),
    utils=module("gym.utils", EzPickle=empty),
    envs=module("gym.envs"),
)
module("gym.envs.mujoco", mujoco_env=module("gym.envs.mujoco.mujoco_env", MujocoEnv=type("MujocoEnv", (), {})))
module("jinja2", Template=object)
sys.path.insert(0, str(arguments.clone))

from harl.envs import env_wrappers  # noqa: E402
from harl.utils import envs_tools  # noqa: E402

envs_tools.ShareSubprocVecEnv = env_wrappers.ShareDummyVecEnv

from harl.runners import RUNNER_REGISTRY  # noqa: E402

path = arguments.clone / "tuned_configs" / "mamujoco" / arguments.task / arguments.algorithm / "config.json"
config = json.loads(path.read_text())
settings = config["algo_args"]
settings["device"].update(cuda=False, torch_threads=1)
settings["seed"]["seed"] = arguments.seed
settings["eval"].update(eval_episodes=20, n_eval_rollout_threads=20)
settings["train"]["eval_interval"] = 100
if arguments.steps:
    # The learning rate of some tasks falls to 0 over so many steps: a shorter run is not the beginning of a longer one.
    settings["train"]["num_env_steps"] = arguments.steps
settings["logger"]["log_dir"] = arguments.out
runner = RUNNER_REGISTRY[arguments.algorithm](config["main_args"], settings, config["env_args"])
runner.run()
runner.close()
