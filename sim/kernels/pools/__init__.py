"""Kernels of liquidity pools."""
