"""Where a result came from: versions, commit, machine, memory."""

from __future__ import annotations

import platform
import resource
import subprocess
import sys
from importlib import metadata
from typing import Any

from sim.base.packages import ROOT

DISTRIBUTIONS = ("hedgequake", "mesa", "numba", "numpy", "pandas", "pyarrow", "pydantic", "scipy")


def version() -> str:
    """Version of hedgequake."""
    return metadata.version("hedgequake")


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that decide a result."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in DISTRIBUTIONS}}


def commit() -> str | None:
    """Commit of the checkout this runs from, with a + if files differ from it; None without one."""
    if not (ROOT / ".git").exists():
        return None
    head, changes = _git("rev-parse", "HEAD"), _git("status", "--porcelain", "--untracked-files=no")
    return f"{head}{'+' if changes else ''}" if head else None


def peak_memory_bytes() -> int:
    """Most memory this process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def provenance() -> dict[str, Any]:
    """All of it, as a manifest has it."""
    return {
        "versions": versions(),
        "commit": commit(),
        "platform": platform.platform(),
        "peak_memory_bytes": peak_memory_bytes(),
    }


def _git(*arguments: str) -> str:
    try:
        answer = subprocess.run(("git", *arguments), cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return answer.stdout.strip()
