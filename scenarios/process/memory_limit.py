"""Memory: how much of it this process may have, whatever sets the limit."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
OWN_GROUP = Path("/proc/self/cgroup")


def limit_bytes() -> int:
    """The least of the machine's memory, its control groups' and the process's own limit."""
    return min((_machine(), *_groups(), *_own()))


def _machine() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _own() -> Iterator[int]:
    """Limits that a shell or a batch system has set (`ulimit -v`)."""
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        soft, _ = resource.getrlimit(kind)
        if soft != resource.RLIM_INFINITY:
            yield soft


def _groups() -> Iterator[int]:
    """Limits of the group this process is in and of those around it, where Linux has any."""
    try:
        own = OWN_GROUP.read_text().strip().rpartition("::")[2].strip("/")
    except OSError:
        return
    group = GROUPS / own
    while group.is_relative_to(GROUPS):
        try:
            text = (group / "memory.max").read_text().strip()
        except OSError:
            text = ""
        if text.isdigit():
            yield int(text)
        group = group.parent
