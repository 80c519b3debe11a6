"""Kernels of hedging."""
