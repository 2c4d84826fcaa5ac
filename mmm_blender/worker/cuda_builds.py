"""Which build of torch an NVIDIA card needs, asked of the driver before gigabytes are fetched."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from ..common.errors import MMMError
from .processes import no_window

_QUERY = ("nvidia-smi", "--query-gpu=name,compute_cap,memory.total,driver_version",
          "--format=csv,noheader,nounits")  # fmt: skip
_SECONDS = 20.0
_INDEX = "https://download.pytorch.org/whl/"


@dataclass(frozen=True)
class Card:
    """An NVIDIA card. capability: such as (12, 0) for the RTX 50 series. memory_mb: MiB."""

    name: str
    capability: tuple[int, int]
    memory_mb: int
    driver: int


@dataclass(frozen=True)
class CudaBuild:
    """Builds of torch in one index: the capabilities that their kernels are made for, first and
    last, and the oldest driver that runs them."""

    index_url: str
    first: tuple[int, int]
    last: tuple[int, int]
    driver: int


# After the architecture lists of PyTorch's own wheels; CUDA 12 runs on any driver from 525 on,
# CUDA 13 from 580 on.
BUILDS = (
    CudaBuild(_INDEX + "cu130", (7, 5), (12, 99), 580),
    CudaBuild(_INDEX + "cu128", (7, 0), (12, 99), 525),
    CudaBuild(_INDEX + "cu126", (5, 0), (9, 0), 525),
)


def find_cards() -> list[Card]:
    """The cards that the driver shows, the one with the most memory first.

    MMMError where no driver answers, or shows none.
    """
    try:
        done = subprocess.run(
            _QUERY, capture_output=True, text=True, check=False, timeout=_SECONDS,
            creationflags=no_window(),
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MMMError(_no_driver(str(error))) from error
    cards = [card for line in done.stdout.splitlines() if (card := _card(line)) is not None]
    if done.returncode or not cards:
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise MMMError(_no_driver(lines[-1] if lines else "it shows no card"))
    return sorted(cards, key=lambda card: card.memory_mb, reverse=True)


def _no_driver(reason: str) -> str:
    return (
        f"NVIDIA's driver does not answer ({reason}): install it or start the computer again, or "
        "choose the build for the processor."
    )


def _card(line: str) -> Card | None:
    """One line of nvidia-smi; None for what is no card."""
    try:
        name, capability, memory, driver = (part.strip() for part in line.rsplit(",", 3))
        major, minor = capability.split(".")
        return Card(name, (int(major), int(minor)), int(memory), int(driver.partition(".")[0]))
    except ValueError:
        return None


def builds_for(card: Card) -> list[CudaBuild]:
    """The builds with kernels for a card that its driver runs, the best first; MMMError if none."""
    fitting = [build for build in BUILDS if build.first <= card.capability <= build.last]
    if not fitting:
        raise MMMError(
            f"PyTorch has no kernels for the {card.name} any more, or not yet: choose the build "
            "for the processor."
        )
    usable = [build for build in fitting if build.driver <= card.driver]
    if not usable:
        oldest = min(build.driver for build in fitting)
        raise MMMError(
            f"The driver of the {card.name} is too old ({card.driver}): update it to {oldest} or "
            "newer, or choose the build for the processor."
        )
    return usable
