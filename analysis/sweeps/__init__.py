"""Sweeps: what many runs say together."""
