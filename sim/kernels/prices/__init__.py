"""Kernels of prices."""
