"""Serves Python environments to bpta over pipes."""

from .team import Box, Discrete, SetupError, Space, Team

__all__ = ["Box", "Discrete", "SetupError", "Space", "Team"]
