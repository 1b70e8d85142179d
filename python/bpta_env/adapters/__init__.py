"""Environments as teams; one file for each kind."""
