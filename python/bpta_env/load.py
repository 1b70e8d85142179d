"""From `py:module:variant` to a team."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Mapping
from typing import Any

from .team import SetupError, Team

#: Where a module's PyPI package has another name.
PACKAGES = {"gymnasium_robotics": "gymnasium-robotics", "cv2": "opencv-python"}


#: The way of rendering that gives arrays of pixels.
FRAMES = "rgb_array"


def _missing(name: str) -> SetupError:
    root = name.split(".")[0]
    package = PACKAGES.get(root, root)
    return SetupError(
        f"there is no Python module {name}: install it (pip install {package}), set env.options.python or BPTA_PYTHON "
        "to the Python that has it, or correct the id"
    )


def import_module(name: str) -> Any:
    """A module, or what a package has under that name (`gymnasium_robotics.mamujoco_v1` is a module by another name)."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        package, _, last = name.rpartition(".")
        if error.name != name or not package:
            raise
        found = getattr(importlib.import_module(package), last, None)
        if found is None:
            raise
        return found


def load(module: str, variant: str | None, args: dict[str, Any], draws: bool = False) -> Team:
    """One copy; `draws`: one that has pictures, if it can. Raises SetupError where something must be installed or
    changed."""
    adapter = f"{__package__}.adapters.{module}"
    try:
        if module.isidentifier() and importlib.util.find_spec(adapter):
            own = importlib.import_module(adapter)
            if hasattr(own, "make"):
                drawing = {"render_mode": FRAMES} if draws and getattr(own, "TAKES_RENDER_MODE", False) else {}
                try:
                    made: Team = own.make(variant, {**drawing, **args})
                except TypeError as error:
                    if not args or "argument" not in str(error):
                        raise
                    raise SetupError(f"env.options.args: {error}") from error
                return made
        imported = import_module(module)
    except ModuleNotFoundError as error:
        raise _missing(error.name or module) from error
    names = [variant] if variant else ["parallel_env", "env", "make_env"]
    factory = next((getattr(imported, name) for name in names if callable(getattr(imported, name, None))), None)
    if factory is None:
        public = [name for name in dir(imported) if not name.startswith("_") and callable(getattr(imported, name))]
        raise SetupError(
            f"module {module} has no {' nor '.join(names)} to make an environment with"
            f" (it has: {', '.join(public[:12]) or 'nothing to call'}); name one: py:{module}:FACTORY"
        )
    env = None
    if draws and "render_mode" not in args:
        try:
            env = factory(render_mode=FRAMES, **args)
            args = {"render_mode": FRAMES, **args}
        except (TypeError, ValueError, AssertionError, KeyError):
            # It knows no such thing; then it is made as it is.
            pass
    try:
        env = factory(**args) if env is None else env
    except TypeError as error:
        if _takes(factory, args):
            raise
        raise SetupError(f"env.options.args: {module}.{factory.__name__}: {error}") from error
    except ModuleNotFoundError as error:
        raise _missing(error.name or module) from error
    team = adapt(env, f"{module}:{factory.__name__}")
    # Some do as they are told, and do not tell.
    team.renders = team.renders or args.get("render_mode") == FRAMES == getattr(env, "render_mode", FRAMES)
    return team


def _takes(factory: Any, args: Mapping[str, Any]) -> bool:
    """Whether these are arguments of it; unknown of what hands them on, or does not say."""
    try:
        parameters = inspect.signature(factory).parameters.values()
        inspect.signature(factory).bind(**args)
    except (TypeError, ValueError):
        return False
    return all(parameter.kind is not inspect.Parameter.VAR_KEYWORD for parameter in parameters)


def adapt(env: Any, what: str) -> Team:
    """What an environment is, as a team."""
    if isinstance(env, Team):
        return env
    if hasattr(env, "possible_agents"):
        from .adapters.infos import tells_wins
        from .adapters.mamujoco import mamujoco_team
        from .adapters.mpe import mpe_team
        from .adapters.pettingzoo import PettingZooTeam

        # Converters hand on nothing of the kind.
        has_wins = tells_wins(env)
        if hasattr(env, "agent_iter"):
            from pettingzoo.utils.conversions import aec_to_parallel

            if not (getattr(env, "metadata", None) or {}).get("is_parallelizable", False):
                raise SetupError(
                    f"{what} makes an environment whose agents take turns, must make one in which they act at the same "
                    'time (its metadata say nothing of "is_parallelizable")'
                )
            env = aec_to_parallel(env)
        return mamujoco_team(env, has_wins) or mpe_team(env, has_wins) or PettingZooTeam(env, has_wins)
    if callable(getattr(env, "observation_space", None)):
        raise SetupError(f"{what} makes an environment without possible_agents, the agents that there may ever be")
    if hasattr(env, "observation_space") and hasattr(env, "action_space"):
        from .adapters.gymnasium import GymnasiumTeam

        return GymnasiumTeam(env)
    raise SetupError(
        f"{what} makes a {type(env).__name__}, must make an environment of PettingZoo or Gymnasium, or a bpta_env.Team"
    )
