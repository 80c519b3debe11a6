"""Probes: runs with an extra meta-order beside runs without it."""
