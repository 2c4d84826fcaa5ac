"""What a GPU's error means for the person, read from torch's words. No torch here."""

from __future__ import annotations

_MEMORY = (
    *("out of memory", "not enough memory", "can't allocate memory"),
    *("failed to allocate memory", "bad_alloc", "bad allocation"),  # ONNX Runtime's
)
_NO_KERNEL = (
    "no kernel image",
    "not compatible with the current pytorch",
    "invalid device function",
)
_DRIVER = (
    "driver", "cuda error", "cuda initialization", "cublas", "cudnn", "nvml", "no cuda gpus",
    "mps backend", "device-side assert", "unspecified launch failure", "hip error",
)  # fmt: skip


def is_memory_error(error: BaseException | str) -> bool:
    """A device, or this computer, ran out of memory."""
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in _MEMORY)


def gpu_reason(error: BaseException | str) -> str:
    """Why a GPU could not be used, as half a sentence; "" for an error that is not the GPU's."""
    text = str(error).lower()
    if is_memory_error(error):
        return "its memory is exhausted"
    if any(words in text for words in _NO_KERNEL):
        return "this build of PyTorch has no kernels for it"
    if any(words in text for words in _DRIVER):
        return f"its driver reports an error: {first_line(error)}"
    return ""


def first_line(error: BaseException | str) -> str:
    """The first line of an error, at most 120 characters: torch adds pages of advice."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:120].rstrip(".")
