"""Kernels of what is recorded."""
