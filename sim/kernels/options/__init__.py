"""Kernels of options."""
