"""Packages: which are ours, where they lie, and which of them hold compiled code."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds them."""

COMPILED = ("sim", "agents")
PACKAGES = (*COMPILED, "scenarios", "analysis")


def may_hold_kernels(module: str) -> bool:
    """Whether a module of this import path is in a package of ours that holds compiled code."""
    return module.partition(".")[0] in COMPILED
