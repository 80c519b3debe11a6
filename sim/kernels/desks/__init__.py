"""Kernels of desks that answer requests for quotes."""
