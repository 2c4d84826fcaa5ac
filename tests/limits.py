"""What a test allows a stranger's file to cost."""

import tracemalloc
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

MEGABYTE = 2**20


@dataclass
class Peak:
    """Most memory that Python and NumPy held inside, beyond what they held before."""

    megabytes: float = 0.0


@contextmanager
def peak_memory() -> Generator[Peak]:
    """Measures what is done inside."""
    peak = Peak()
    tracemalloc.start()
    try:
        yield peak
    finally:
        peak.megabytes = tracemalloc.get_traced_memory()[1] / MEGABYTE
        tracemalloc.stop()
