"""Kernels of delivery."""
