"""The other side of smax.ts: steps JaxMARL's SMAX with random legal actions, on one core, when asked.

For each line of JSON on its input, {"env", "copies", "seconds"}, it prints the environment steps per second of
processor time, after compilation. Needs what scripts/smax-golden.py installs.
"""

import importlib.util
import json
import os
import pathlib
import resource
import sys
import types

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import jax
import jax.numpy as jnp

# The package as a whole imports every environment and what they need; SMAX needs none of it.
root = pathlib.Path(importlib.util.find_spec("jaxmarl").submodule_search_locations[0])
for name, path in [("jaxmarl", root), ("jaxmarl.environments", root / "environments")]:
    package = types.ModuleType(name)
    package.__path__ = [str(path)]
    sys.modules[name] = package

from importlib.metadata import version

from jaxmarl.environments.smax import HeuristicEnemySMAX, map_name_to_scenario


def processor_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def stepper(name, copies):
    """A function that takes so many steps of so many copies at once, and what it starts from."""
    env = HeuristicEnemySMAX(scenario=map_name_to_scenario(name))
    length = max(1, 1024 // copies)

    def choose(key, state):
        legal = env.get_avail_actions(state)
        keys = jax.random.split(key, env.num_allies)
        return {
            agent: jax.random.categorical(keys[i], jnp.where(legal[agent] > 0, 0.0, -jnp.inf))
            for i, agent in enumerate(env.agents)
        }

    def step(carry, _):
        key, states = carry
        key, act, go = jax.random.split(key, 3)
        actions = jax.vmap(choose)(jax.random.split(act, copies), states)
        observations, states, rewards, dones, _ = jax.vmap(env.step)(jax.random.split(go, copies), states, actions)
        # What comes out is what a learner would look at: nothing is left out as unused.
        return (key, states), (observations, rewards, dones)

    run = jax.jit(lambda carry: jax.lax.scan(step, carry, None, length))
    _, states = jax.vmap(env.reset)(jax.random.split(jax.random.PRNGKey(0), copies))
    return run, (jax.random.PRNGKey(1), states), length * copies


print(json.dumps({"title": f"JaxMARL {version('jaxmarl')}, JAX {jax.__version__}"}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    run, carry, steps_per_run = stepper(request["env"], request["copies"])
    # Twice: what comes out may be typed otherwise than what went in, which compiles it anew.
    for _ in range(2):
        carry, _ = jax.block_until_ready(run(carry))
    start = processor_seconds()
    steps = 0
    while processor_seconds() - start < request["seconds"]:
        carry, _ = jax.block_until_ready(run(carry))
        steps += steps_per_run
    print(json.dumps(steps / (processor_seconds() - start)), flush=True)
