"""What went wrong in Set Up, as one sentence for the person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..common.errors import MMMError

_DISK_WORDS = ("No space left on device", "Errno 28", "There is not enough space on the disk")
_CERTIFICATE_WORDS = ("CERTIFICATE_VERIFY_FAILED", "SSLError", "SSLCertVerificationError",
                      "self-signed certificate", "self signed certificate")  # fmt: skip
_PROXY_WORDS = ("ProxyError", "Cannot connect to proxy", "Tunnel connection failed",
                "407 Proxy Authentication")  # fmt: skip
_NETWORK_WORDS = (
    "NewConnectionError", "ConnectionError", "ConnectTimeout", "ReadTimeout", "Max retries",
    "name resolution", "Connection refused", "timed out", "Connection broken", "IncompleteRead",
)  # fmt: skip
_LONG_PATH_WORDS = ("Long Path support", "long paths")  # Windows: torch's headers lie deep
_LOCKED_WORDS = ("WinError 5]", "WinError 32]", "WinError 225]", "WinError 1260]",
                 "Access is denied", "Permission denied", "Operation not permitted")  # fmt: skip
_OTHER_PYTHON_WORDS = ("is not a supported wheel on this platform",)
_DLL_WORDS = ("DLL load failed", "WinError 126", "WinError 1114")
_NO_BUILD_WORDS = ("No matching distribution found for", "Could not find a version that satisfies")

_SENTENCES: tuple[tuple[tuple[str, ...], str], ...] = (
    (_DISK_WORDS, "The disk is full: make room and run Set Up again."),
    (
        _CERTIFICATE_WORDS,
        "The package index was reached, and its certificate is not trusted here, as behind a "
        "company's firewall: name that firewall's certificate in pip's setting 'cert', or choose a "
        "folder of wheels.",
    ),
    (
        _PROXY_WORDS,
        "The proxy let nothing through to the package index: look at the address and the password "
        "in HTTPS_PROXY or in pip's setting 'proxy', or choose a folder of wheels.",
    ),
    (
        _NETWORK_WORDS,
        "The package index could not be reached: check the network and the address, or choose a "
        "folder of wheels.",
    ),
    (
        _LONG_PATH_WORDS,
        "Windows allows no paths as long as torch's: turn on its long paths setting and run Set Up "
        "again, or choose a folder with a shorter name.",
    ),
    (
        _LOCKED_WORDS,
        "An antivirus, a policy or another program kept a file from being written: press Set Up "
        "again, and if it stays allow the folder that the log names.",
    ),
    (
        _OTHER_PYTHON_WORDS,
        "The wheels are for another Python or another system than this Blender: fetch them again "
        "for this one.",
    ),
    (
        ("ensurepip",),
        "This Python cannot make virtual environments (it lacks ensurepip): choose another Python, "
        "or install its venv package.",
    ),
)
"""Words of pip's output, and what they mean; the first that fits counts."""


class NoBuildError(MMMError):
    """The index has no such version for this Python and system."""


def failure_sentence(lines: Sequence[str], status: int) -> MMMError:
    """What a failed command means for the person, read from its output."""
    text = "\n".join(lines)
    for words, sentence in _SENTENCES:
        if any(word in text for word in words):
            return MMMError(sentence)
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    reason = errors[-1] if errors else next((x for x in reversed(lines) if x), f"status {status}")
    if any(words in text for words in _NO_BUILD_WORDS):
        return NoBuildError(f"{reason}: choose another index, folder of wheels or Python.")
    return MMMError(f"The set-up failed ({reason}): look into its log.")


def import_sentence(python: Path, name: str, error: str, system: str) -> str:
    """Why a package cannot be imported, and what to do. system: ``sys.platform`` there."""
    return visual_c_sentence(name, error, system) or (
        f"{python} cannot import {name} ({error}): run Set Up, or install it there."
    )


def visual_c_sentence(name: str, error: str, system: str) -> str:
    """What to do where a package lacks Windows' Visual C++ runtime; "" for another error."""
    if system != "win32" or not any(words in error for words in _DLL_WORDS):
        return ""
    return (
        f"Windows lacks the Visual C++ runtime that {name} needs ({error}): install Microsoft's "
        "'Visual C++ Redistributable' and try again."
    )


def os_sentence(error: OSError, folder: Path) -> str:
    """Trouble with the folder itself."""
    return f"The environment cannot be written to {folder} ({error.strerror}): mend that first."
