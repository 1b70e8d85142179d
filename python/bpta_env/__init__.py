"""Serves Python environments to bpta over pipes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .team import Box, Discrete, SetupError, Space, Team

__all__ = ["Box", "Discrete", "SetupError", "Space", "Team"]


def __getattr__(name: str) -> Any:
    # Not before it is asked for: `python -m bpta_env` comes by here, and has to say so where there is no NumPy.
    if name not in __all__:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    from . import team

    return getattr(team, name)
