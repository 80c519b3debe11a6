"""Kernels of order books."""
