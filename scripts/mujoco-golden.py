"""Makes src/envs/mujoco/golden/*.json from the reference, Gymnasium-Robotics' mamujoco_v1.

    python -m venv /tmp/reference
    /tmp/reference/bin/pip install gymnasium-robotics==1.4.2 gymnasium==1.4.0 mujoco==3.14.0
    /tmp/reference/bin/python scripts/mujoco-golden.py [ROBOT]...

mujoco's version must be that of the npm package @mujoco/mujoco. States and observations of some steps are kept whole, of
every step their inner product with a wave.
"""

import json
import math
import pathlib
import sys
import warnings

import mujoco
import numpy as np
from gymnasium_robotics import mamujoco_v1
from gymnasium_robotics.envs.multiagent_mujoco import coupled_half_cheetah, obsk

STEPS = 50
OUT = pathlib.Path(__file__).parent.parent / "src" / "envs" / "mujoco" / "golden"
CONTROL_LIMIT = {"Humanoid": 0.4, "HumanoidStandup": 0.4, "Pusher": 2.0}

BODY = ["cinert", "cvel", "cfrc_ext"]
CATEGORIES = {
    "Ant": ["qpos", "qvel", "qfrc_actuator", *BODY],
    "ManySegmentAnt": ["qpos", "qvel", "qfrc_actuator", *BODY],
    "Humanoid": ["qpos", "qvel", "qfrc_actuator", *BODY],
    "HumanoidStandup": ["qpos", "qvel", "qfrc_actuator", *BODY],
    "Reacher": ["qpos", "qvel", "qfrc_actuator", "fingertip_dist", *BODY],
    "CoupledHalfCheetah": ["qpos", "qvel", "qfrc_actuator", "ten_J", "ten_length", "ten_velocity"],
}

FACTORISATIONS = {
    "HalfCheetah": ["6x1", "2x3", "3x2"],
    "Ant": ["4x2", "2x4", "2x4d", "8x1"],
    "Hopper": ["3x1"],
    "Walker2d": ["2x3", "3x2", "6x1"],
    "Humanoid": ["9|8", "17x1"],
    "HumanoidStandup": ["9|8", "17x1"],
    "Reacher": ["2x1"],
    "Pusher": ["3p"],
    "Swimmer": ["2x1"],
    "ManySegmentSwimmer": ["10x2", "5x4", "6x1", "1x2"],
    "ManySegmentAnt": ["2x3", "3x2", "6x1", "1x1"],
    "CoupledHalfCheetah": ["1p1"],
}


def pieces(nodes, size):
    return [tuple(nodes[i : i + size]) for i in range(0, len(nodes), size)]


def factorisation(robot, name):
    """The factorisations that the reference does not have, of its own nodes; else None."""
    if robot == "Pusher":
        # Two of its joints have the name of a third, so that their order would be left to chance.
        parts, edges, global_nodes = obsk.get_parts_and_edges(robot, name)
        parts[0][0].label, parts[0][1].label = "r_shoulder_pan_joint", "r_shoulder_lift_joint"
        return {"partition": parts, "edges": edges, "globals": global_nodes}
    known = {"HalfCheetah": "6x1", "Ant": "4x2", "Walker2d": "2x3", "Humanoid": None, "HumanoidStandup": None}
    if (robot, name) not in [
        ("HalfCheetah", "3x2"),
        ("Ant", "8x1"),
        ("Walker2d", "3x2"),
        ("Walker2d", "6x1"),
        ("Humanoid", "17x1"),
        ("HumanoidStandup", "17x1"),
    ]:
        return None
    parts, edges, global_nodes = obsk.get_parts_and_edges(robot, known[robot])
    nodes = [node for part in parts for node in part]
    if robot == "HalfCheetah":
        by_label = {node.label: node for node in nodes}
        nodes = [by_label[label] for label in ["bfoot", "bshin", "bthigh", "ffoot", "fshin", "fthigh"]]
    size = 2 if name == "3x2" else 1
    return {"partition": pieces(nodes, size), "edges": edges, "globals": global_nodes}


class DenseTendons:
    """MuJoCo's data with the tendons' Jacobian dense, as it was when the reference was written."""

    def __init__(self, model, data):
        self._data = data
        dense = np.zeros((model.ntendon, model.nv))
        for tendon in range(model.ntendon):
            start, count = model.ten_J_rowadr[tendon], model.ten_J_rownnz[tendon]
            columns = model.ten_J_colind[start : start + count]
            dense[tendon, columns] = np.ravel(data.ten_J)[start : start + count]
        self.ten_J = dense

    def __getattr__(self, name):
        return getattr(self._data, name)


class Reference(mamujoco_v1.parallel_env):
    def create_observation_mapping(self):
        """A cache that is not needed here, and does not know all categories."""

    def _get_obs_agent(self, agent_id, data=None):
        base = self.single_agent_env.unwrapped
        if data is None and base.model.ntendon == 1 and self.agent_obsk is not None:
            return obsk.build_obs(
                DenseTendons(base.model, base.data),
                self.k_dicts[agent_id],
                self.local_categories,
                self.mujoco_globals,
                self.global_categories,
            )
        return super()._get_obs_agent(agent_id, data)


def coupled_observation(env):
    class Dense:
        data = DenseTendons(env.model, env.data)

    return original_coupled_observation(Dense)


original_coupled_observation = coupled_half_cheetah.CoupledHalfCheetahEnv._get_obs
coupled_half_cheetah.CoupledHalfCheetahEnv._get_obs = coupled_observation


def action(step, place, limit):
    """In ±1.25 of the motors' range; the same arithmetic is in golden.test.ts."""
    return np.float32(1.25 * limit * (((step * 7919 + place * 104729 + 31 * step * place) % 2001) / 1000 - 1))


def rounded(values):
    return [float(f"{float(value):.10g}") for value in np.ravel(values)]


def product(vectors):
    """Of all numbers, one after the other, with a wave."""
    numbers = np.concatenate([np.ravel(vector).astype(float) for vector in vectors])
    return rounded(numbers @ np.cos(1.9 * np.arange(len(numbers))))[0]


def run(robot, name, k, local, global_categories, observe_at, state_stride):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        env = Reference(
            robot,
            name,
            agent_obsk=k,
            agent_factorization=factorisation(robot, name),
            local_categories=local,
            global_categories=global_categories,
        )
        env.reset(seed=0)
        base = env.single_agent_env.unwrapped
        mujoco.mj_resetData(base.model, base.data)
        # Pusher's init_qpos is changed by each reset.
        base.set_state(base.model.qpos0, base.init_qvel)
        observations = env._get_obs()
        record = {"rewards": [], "terminated": [], "states": {}, "stateProducts": [], "observations": {}, "products": []}
        agents = env.possible_agents
        for step in range(STEPS + 1):
            if step > 0:
                place = 0
                actions = {}
                for agent in agents:
                    size = env.action_space(agent).shape[0]
                    limit = CONTROL_LIMIT.get(robot, 1.0)
                    actions[agent] = np.array([action(step, place + i, limit) for i in range(size)], dtype=np.float32)
                    place += size
                observations, rewards, terminations, _, _ = env.step(actions)
                record["rewards"] += rounded(rewards[agents[0]])
                if terminations[agents[0]]:
                    record["terminated"].append(step)
            record["stateProducts"].append(product([env.state()]))
            record["products"].append(product([observations[agent] for agent in agents]))
            if step % state_stride == 0:
                record["states"][str(step)] = rounded(env.state())
            if step in observe_at:
                record["observations"][str(step)] = [rounded(observations[agent]) for agent in agents]
        env.close()
    return record


def main():
    OUT.mkdir(exist_ok=True)
    chosen = sys.argv[1:] or FACTORISATIONS
    for robot, names in ((robot, FACTORISATIONS[robot]) for robot in chosen):
        golden = {}
        for place, name in enumerate(names):
            size = run(robot, name, 0, None, (), [], STEPS)["states"]["0"]
            stride = math.ceil(STEPS * len(size) / (2500 if place == 0 else 700))
            every = CATEGORIES.get(robot, ["qpos", "qvel", "qfrc_actuator"])
            variants = [
                ({"obsk": 1, "globalCategories": ["qpos", "qvel"]}, (1, None, None, [1, 20, 50], stride)),
                ({"obsk": 0, "globalCategories": []}, (0, None, (), [1, 50], STEPS)),
                (
                    {"obsk": 2, "localCategories": [every], "globalCategories": ["qvel", "qpos"]},
                    (2, [every] * 3, ("qvel", "qpos"), [30], STEPS),
                ),
            ]
            records = [run(robot, name, *arguments) for _, arguments in variants]
            observations = [
                {"options": options, "steps": record.pop("observations"), "products": record.pop("products")}
                for (options, _), record in zip(variants, records)
            ]
            golden[f"{robot}-{name}"] = {**records[0], "observations": observations}
        path = OUT / f"{robot}.json"
        path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
        print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main()
