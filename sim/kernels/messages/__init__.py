"""Kernels of messages."""
