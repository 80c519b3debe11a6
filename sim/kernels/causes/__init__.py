"""Kernels of causes."""
