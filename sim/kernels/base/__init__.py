"""Kernels that the others build on."""
