"""What went wrong in Set Up, as one sentence for the person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_NO_NETWORK_WORDS = (
    "NewConnectionError", "ConnectionError", "ConnectTimeout", "ReadTimeout", "Max retries",
    "name resolution", "Connection refused", "timed out", "ProxyError", "SSLError",
    "CERTIFICATE_VERIFY_FAILED",
)  # fmt: skip


_DISK_WORDS = ("No space left on device", "Errno 28", "There is not enough space on the disk")


_LONG_PATH_WORDS = ("Long Path support", "long paths")  # Windows: torch's headers lie deep


_NO_BUILD_WORDS = ("No matching distribution found for", "Could not find a version that satisfies")


def failure_sentence(lines: Sequence[str], status: int) -> str:
    """What a failed command means for the person, read from its output."""
    text = "\n".join(lines)
    if any(words in text for words in _DISK_WORDS):
        return "The disk is full: make room and run Set Up again."
    if any(words in text for words in _NO_NETWORK_WORDS):
        return (
            "The package index could not be reached: check the network and the address, or choose "
            "a folder of wheels."
        )
    if any(words in text for words in _LONG_PATH_WORDS):
        return (
            "Windows allows no paths as long as torch's: turn on its long paths setting and run "
            "Set Up again, or choose a Python of your own that has torch."
        )
    if "ensurepip" in text:
        return (
            "This Python cannot make virtual environments (it lacks ensurepip): choose another "
            "Python, or install its venv package."
        )
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    reason = errors[-1] if errors else next((x for x in reversed(lines) if x), f"status {status}")
    if any(words in text for words in _NO_BUILD_WORDS):
        return f"{reason}: choose another index, folder of wheels or Python."
    return f"The set-up failed ({reason}): look into its log."


def os_sentence(error: OSError, folder: Path) -> str:
    """Trouble with the folder itself."""
    return f"The environment cannot be written to {folder} ({error.strerror}): mend that first."
