"""How many cores of this machine's processor a thread of numbers is worth."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_TOPOLOGY = Path("/sys/devices/system/cpu")


def physical_cores() -> int:
    """Cores that this process may use, each once however many threads it runs; at least 1."""
    usable = _usable()
    if sys.platform.startswith("linux"):
        return max(1, len({_siblings(core) for core in usable}))
    if sys.platform == "darwin":
        return _of_macos() or max(1, len(usable))
    # Windows tells of threads alone here; two a core are usual, and one thread too few costs less
    return max(1, (len(usable) + 1) // 2)


def _usable() -> list[int]:
    """Numbers of the processor's threads that this process may run on."""
    if sys.platform.startswith("linux"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _siblings(core: int) -> str:
    """What all threads of one core share; the number itself where the system does not say."""
    try:
        path = _TOPOLOGY / f"cpu{core}" / "topology" / "thread_siblings_list"
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return str(core)


def _of_macos() -> int:
    """Cores for speed (the others would be waited for), 0 where the system does not say."""
    for name in ("hw.perflevel0.physicalcpu", "hw.physicalcpu"):
        command = ["/usr/sbin/sysctl", "-n", name]
        try:
            answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=5)
            return int(answer.stdout)
        except (OSError, ValueError, subprocess.SubprocessError):
            continue
    return 0
