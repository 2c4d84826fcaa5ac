"""How much main memory this process uses, without a package for it."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

_BYTES_A_MIB = 2**20
_LINUX_STATM = Path("/proc/self/statm")  # second field: resident pages


def resident_mb() -> float:
    """Resident memory of this process, MiB (on macOS its peak)."""
    if sys.platform == "win32":
        return _windows_bytes() / _BYTES_A_MIB
    if _LINUX_STATM.exists():
        pages = int(_LINUX_STATM.read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / _BYTES_A_MIB
    import resource  # noqa: PLC0415  # does not exist on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _BYTES_A_MIB


class _MemoryCounters(ctypes.Structure):
    """PROCESS_MEMORY_COUNTERS of the Windows API."""

    _fields_ = (
        ("size", ctypes.c_ulong),
        ("page_faults", ctypes.c_ulong),
        ("peak_resident", ctypes.c_size_t),
        ("resident", ctypes.c_size_t),
        ("peak_paged_pool", ctypes.c_size_t),
        ("paged_pool", ctypes.c_size_t),
        ("peak_non_paged_pool", ctypes.c_size_t),
        ("non_paged_pool", ctypes.c_size_t),
        ("pagefile", ctypes.c_size_t),
        ("peak_pagefile", ctypes.c_size_t),
    )


def _windows_bytes() -> int:
    counters = _MemoryCounters()
    counters.size = ctypes.sizeof(counters)
    kernel = ctypes.CDLL("kernel32")
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    process = ctypes.c_void_p(kernel.GetCurrentProcess())
    found = kernel.K32GetProcessMemoryInfo(process, ctypes.byref(counters), counters.size)
    return int(counters.resident) if found else 0
