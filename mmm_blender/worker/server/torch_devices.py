"""NVIDIA GPUs as torch sees them: each is tried by itself, and its errors become sentences.

torch is handed in, never imported here.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

from ..gpu_errors import first_line, gpu_reason, is_memory_error
from ..protocol import FailureKind, WorkerError

CPU, CUDA = "cpu", "cuda"
_SIDE = 8  # of the small matrix that is multiplied to try a card


@functools.lru_cache(maxsize=1)
def cuda_devices(torch: Any) -> dict[str, str]:
    """Ids and names of the cards that one kernel runs on, the one with the most memory first.

    A card that does not open is left out, and said to standard error; the others count. Asked once
    in a process: a driver that mends itself needs a new worker.
    """
    try:
        count = int(torch.cuda.device_count())
    except RuntimeError as error:  # a driver in a bad state (after an update, or sleep)
        print(f"No NVIDIA GPU can be used: {error}", file=sys.stderr)
        return {}
    opened = [found for index in range(count) if (found := _open(torch, index)) is not None]
    opened.sort(key=lambda card: -card[0])
    return {device: name for _memory, device, name in opened}


def _open(torch: Any, index: int) -> tuple[int, str, str] | None:
    """Memory in bytes, id and name of a card on which one small kernel ran; None if none did."""
    device = f"{CUDA}:{index}"
    try:
        name = str(torch.cuda.get_device_name(index))
        memory = int(torch.cuda.get_device_properties(index).total_memory)
        numbers = torch.ones((_SIDE, _SIDE), device=device)
        if float((numbers @ numbers).sum()) != _SIDE**3:
            raise RuntimeError("it multiplies wrongly")
    except (RuntimeError, AssertionError) as error:
        reason = gpu_reason(error) or first_line(error)
        print(f"The NVIDIA GPU {index} is left out, as {reason}: {error}", file=sys.stderr)
        return None
    return memory, device, name


def device_error(error: Exception, device: str, name: str) -> Exception:
    """A sentence for a device that failed, of the kind that offers the CPU; another error as it is.

    name: of the device, for people.
    """
    if is_memory_error(error):
        advice = (
            "close other programs or ask for a shorter motion"
            if device == CPU
            else "choose the CPU as device in the preferences, or ask for a shorter motion"
        )
        sentence = f"The memory of {device} is exhausted: {advice}."
        return WorkerError(sentence, FailureKind.OUT_OF_MEMORY)
    reason = gpu_reason(error) if device != CPU else ""
    if not reason:
        return error
    return WorkerError(
        f"The {name or device} cannot be used, as {reason}: generate on the CPU, or look into the "
        "log.",
        FailureKind.DEVICE,
    )


def fallback_note(error: WorkerError, name: str) -> str:
    """What is said with a motion that the CPU made because the GPU could not."""
    if error.kind is FailureKind.OUT_OF_MEMORY:
        return f"The CPU made this motion, as the memory of the {name} is exhausted."
    head, _, _advice = str(error).partition(": generate on the CPU")
    return f"{head}: the CPU made this motion, and makes the next ones."
