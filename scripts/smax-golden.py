"""Makes src/envs/smax/golden/*.json.gz from the reference, JaxMARL's HeuristicEnemySMAX.

    python -m venv /tmp/reference
    /tmp/reference/bin/pip install jax==0.10.2 jaxlib==0.10.2 flax==0.12.8 jaxtyping
    /tmp/reference/bin/pip install --no-deps jaxmarl==0.2.0
    /tmp/reference/bin/python scripts/smax-golden.py

Of every scenario, episodes of random legal actions until 100 steps are full: what was drawn, done, seen and paid. Every
draw is written as the uniform number from which our environment makes the same, in the order in which it asks.
"""

import gzip
import importlib.util
import json
import pathlib
import sys
import types

import jax
import jax.numpy as jnp
import numpy as np

# The package as a whole imports every environment and what they need; SMAX needs none of it.
root = pathlib.Path(importlib.util.find_spec("jaxmarl").submodule_search_locations[0])
for name, path in [("jaxmarl", root), ("jaxmarl.environments", root / "environments")]:
    package = types.ModuleType(name)
    package.__path__ = [str(path)]
    sys.modules[name] = package

from jaxmarl.environments.smax import HeuristicEnemySMAX, map_name_to_scenario  # noqa: E402

STEPS = 100
FULL_EVERY = 50
# Crowds that push each other amplify rounding errors, so that ours start anew from the reference's places every so many
# steps; large ones at each, as do those where nobody dies.
PLACES_EVERY = 5
LARGE = 20
OUT = pathlib.Path(__file__).parent.parent / "src" / "envs" / "smax" / "golden"
SECONDS = 1 / 16

SCENARIOS = [
    *["3m", "8m", "25m", "2s3z", "3s5z", "5m_vs_6m", "10m_vs_11m", "27m_vs_30m", "3s5z_vs_3s6z", "3s_vs_5z"],
    *["6h_vs_8z", "smacv2_5_units", "smacv2_10_units", "smacv2_20_units"],
]
VARIANTS = [
    *[(scenario, {}) for scenario in SCENARIOS],
    ("2s3z", {"observation_type": "conic", "attack_mode": "random"}),
    ("smacv2_10_units", {"observation_type": "conic", "action_type": "continuous"}),
    ("6h_vs_8z", {"walls_cause_death": False, "see_enemy_actions": False, "enemy_shoots": False}),
    ("5m_vs_6m", {"action_type": "continuous", "max_steps": 15, "won_battle_bonus": 2.5}),
]


def weights(count):
    """What a digest multiplies numbers by, in 0.5 to 1.5; the same arithmetic is in golden.test.ts."""
    return 0.5 + ((np.arange(count) * 7919) % 1009) / 1009


def digest(values):
    values = np.asarray(values, np.float64)
    return short(np.dot(values, weights(values.size)))[0]


def short(values):
    return [float(f"{value:.8g}") for value in np.ravel(values)]


class Recorder:
    """Remembers what jax.random gives, while nothing is traced."""

    def __enter__(self):
        self.drawn = []
        self.originals = {name: getattr(jax.random, name) for name in ["uniform", "categorical", "randint"]}
        for name, original in self.originals.items():

            def record(*args, original=original, **kwargs):
                value = original(*args, **kwargs)
                self.drawn.append(np.asarray(value, np.float64))
                return value

            setattr(jax.random, name, record)
        return self.drawn

    def __exit__(self, *_):
        for name, original in self.originals.items():
            setattr(jax.random, name, original)


def reset(env, key):
    """An episode's start, and its draws as uniform numbers."""
    scenario, base = env.scenario, env._env
    with jax.disable_jit(), Recorder() as drawn:
        obs, state = env.reset(key)
    fixed_ally, fixed_enemy, kind, *rest = drawn
    if not base.smacv2_position_generation:
        return obs, state, [*((fixed_ally + 2) / 4).ravel(), *((fixed_enemy + 2) / 4).ravel()]
    one, other, (inside, mirrored) = rest[:4], rest[4:8], rest[8:10]
    uniforms = [float(kind)]
    if kind < 0.5:
        uniforms.append(0.75 if inside else 0.25)
        centre, groups, places, noise = one if inside else other
        uniforms += [*((centre + 2) / 4).ravel(), *places.ravel()]
        for group, (dx, dy) in zip(groups, noise):
            uniforms += [(group + 0.5) / 4, (dx + 2) / 4, (dy + 2) / 4]
    else:
        uniforms += (mirrored / [base.map_width / 2, base.map_height]).ravel().tolist()
    # Both drawings of positions are followed by that of types, the allies' first; none is drawn where nobody is left.
    kinds = next(values for values in rest[10:] if values.size == env.num_allies)
    return obs, state, [*uniforms, *((kinds + 0.5) / base.unit_type_bits)]


@jax.jit
def draw_slot(key, marks):
    return jax.random.choice(key, jnp.arange(marks.size), p=marks / jnp.sum(marks))


def enemy_draws(env, state, action_key):
    """By enemy, what its policy draws: the same keys and the same probabilities as in `heuristic_enemy.py`."""
    base, game = env._env, state.state
    types = np.asarray(game.unit_types)
    positions = np.asarray(game.unit_positions, np.float64)
    alive = np.asarray(game.unit_alive)
    sights, ranges = (np.asarray(table)[types] for table in [base.unit_type_sight_ranges, base.unit_type_attack_ranges])
    slots = np.arange(env.num_allies)[::-1]
    last = np.asarray(state.enemy_policy_state.last_attacked_enemy)
    uniforms = []
    for k, key in enumerate(jax.random.split(action_key, num=env.num_enemies)):
        unit = env.num_allies + k
        if not alive[unit]:
            continue
        distance = np.linalg.norm(positions[slots] - positions[unit], axis=1)
        seen = alive[slots] & (distance < sights[unit])
        shootable = seen & (distance < ranges[unit])
        key, attack_key = jax.random.split(key)
        keeps = last[k] != -1 and shootable[last[k]]

        def choose(key, marks):
            slot = int(draw_slot(key, jnp.asarray(marks)))
            return (int(marks[:slot].sum()) + 0.5) / int(marks.sum())

        if env.attack_mode == "random" and shootable.any() and not keeps:
            uniforms.append(choose(attack_key, shootable))
        if seen.any() and not (shootable.any() and env.enemy_shoots):
            uniforms.append(choose(key, seen))
    return uniforms


def continuous_draws(env, state, key, actions):
    """By living ally: whether it moves, and if not, whether it shoots at somebody new."""
    count = env.num_agents + env.num_enemies
    all_actions = jnp.zeros((count, 4)).at[: env.num_agents].set(jnp.asarray(actions))
    keys = jax.random.split(key)
    draw = lambda key, p: np.asarray(jax.random.categorical(key, jnp.array([jnp.log(p), jnp.log(1 - p)]), axis=0))  # noqa: E731
    shoots, last = draw(keys[0], all_actions[:, 1]), draw(keys[1], all_actions[:, 0])
    uniforms = []
    for k in range(env.num_agents):
        if not state.state.unit_alive[k]:
            continue
        move, new = float(actions[k][1]), float(actions[k][0])
        uniforms.append((1 + move) / 2 if shoots[k] else move / 2)
        if shoots[k]:
            uniforms.append((1 + new) / 2 if last[k] else new / 2)
    return uniforms


def shot_draws(env, before, sequence):
    """By shot: a cooldown that rises tells that there was one, and how long its random part was."""
    base = env._env
    full = np.asarray(base.unit_type_weapon_cooldowns, np.float64)[np.asarray(before.unit_types)]
    last = np.asarray(before.unit_weapon_cooldowns, np.float64)
    uniforms = []
    for now in np.asarray(sequence.unit_weapon_cooldowns, np.float64):
        fired = now > last
        uniforms += ((now - full + SECONDS) / (3 * SECONDS))[fired].tolist()
        last = now
    return uniforms


def choose_actions(env, random, masks, alive):
    if env.action_type == "continuous":
        # Of the dead, what makes them stand still.
        return [random.random(4).astype(np.float32) if ok else np.array([0, 1, 0, 0], np.float32) for ok in alive]
    chosen = []
    for mask, ok in zip(masks, alive):
        attacks = np.flatnonzero(mask[5:]) + 5
        legal = np.flatnonzero(mask)
        if not ok:
            chosen.append(4)
        elif attacks.size > 0 and random.random() < 0.7:
            chosen.append(int(random.choice(attacks)))
        else:
            # Mostly towards the enemies, so that there is a battle.
            chosen.append(1 if random.random() < 0.4 else int(random.choice(legal)))
    return chosen


def situation(env, obs, state, full):
    masks = env.get_avail_actions(state)
    seen = [np.asarray(obs[agent]) for agent in env.agents]
    world = np.asarray(obs["world_state"])
    found = {
        "observations": [digest(values) for values in seen],
        "state": digest(world),
        "masks": [int("".join(map(str, np.asarray(masks[agent]).tolist())), 2) for agent in env.agents],
    }
    if full:
        found["full"] = {"observations": [short(values) for values in seen], "state": short(world)}
    return found


def places(state):
    return short(np.transpose(state.state.unit_positions))


def record(scenario, options, seed):
    env = HeuristicEnemySMAX(scenario=map_name_to_scenario(scenario), **options)
    random = np.random.default_rng(seed)
    key = jax.random.PRNGKey(seed)
    step_env = jax.jit(env.step_env, static_argnums=3)
    crowded = len(env.all_agents) > LARGE or not env.enemy_shoots
    places_every = 1 if crowded else PLACES_EVERY
    episodes, taken = [], 0
    while taken < STEPS:
        key, reset_key = jax.random.split(key)
        obs, state, draws = reset(env, reset_key)
        steps = []
        start = {**({"places": places(state)} if crowded else {}), **situation(env, obs, state, not episodes)}
        episodes.append({"draws": short(draws), "start": start, "steps": steps})
        done = False
        while not done and taken < STEPS:
            key, step_key = jax.random.split(key)
            alive = np.asarray(state.state.unit_alive[: env.num_agents])
            available = env.get_avail_actions(state)
            masks = [np.asarray(available[agent]) for agent in env.agents]
            actions = choose_actions(env, random, masks, alive)
            by_agent = {agent: jnp.asarray(action) for agent, action in zip(env.agents, actions)}
            inner, action_key = jax.random.split(step_key)
            draws = enemy_draws(env, state, action_key)
            if env.action_type == "continuous":
                draws += continuous_draws(env, state, jax.random.split(inner)[1], actions)
            sequence = step_env(step_key, state, by_agent, True)
            draws += shot_draws(env, state.state, sequence)
            obs, state, rewards, dones, _ = step_env(step_key, state, by_agent, False)
            done = bool(dones["__all__"])
            taken += 1
            steps.append(
                {
                    "draws": short(draws),
                    "actions": [short(action) if np.ndim(action) else action for action in actions],
                    "reward": short([rewards["ally_0"]])[0],
                    "done": done,
                    **({} if taken % places_every else {"places": places(state)}),
                    **situation(env, obs, state, taken % FULL_EVERY == 0),
                }
            )
    return {"scenario": scenario, "options": options, "episodes": episodes}


OUT.mkdir(exist_ok=True)
only = sys.argv[1:]
for index, (scenario, options) in enumerate(VARIANTS):
    name = "-".join([scenario, *(str(value) for value in options.values())])
    if only and name not in only:
        continue
    text = json.dumps(record(scenario, options, index), separators=(",", ":"))
    (OUT / f"{name}.json.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(name, (OUT / f"{name}.json.gz").stat().st_size)
