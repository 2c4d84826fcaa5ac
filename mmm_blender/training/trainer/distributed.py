"""Several processes that train one network: each takes its rows of a batch that all of them draw.

Start them with torch's own launcher, ``torchrun --nproc-per-node 4 tools/train_....py ...``;
without it there is one process and every function here gives back what it was given. A batch is
drawn from (seed, step) by every process alike and sliced; losses are divided by the counts of the
whole batch, so that gradients need only be added up.

N rows, which may differ between processes; D their length.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as group
from torch import Tensor, nn

from ...common.errors import MMMError

_CPU = torch.device("cpu")
_RANK_STRIDE = 7_919  # a prime: seeds of two processes of one step are never those of another


@dataclass(frozen=True)
class DistributedContext:
    """This process among ``size``. device: where its network is."""

    rank: int = 0
    size: int = 1
    device: torch.device = _CPU

    @property
    def leads(self) -> bool:
        """Whether this process writes files and prints."""
        return self.rank == 0

    def rows(self, count: int) -> slice:
        """This process's rows of a batch of ``count``."""
        return slice(self.rank * count // self.size, (self.rank + 1) * count // self.size)

    def total(self, value: Tensor) -> Tensor:
        """The sum of a value over all processes; no gradient passes."""
        if self.size == 1:
            return value
        summed = value.detach().clone()
        group.all_reduce(summed)
        return summed

    def gather(self, values_ND: Tensor) -> Tensor:
        """The rows of all processes one behind the other, in the same order everywhere."""
        if self.size == 1:
            return values_ND
        counts = [int(count) for count in self._all(torch.tensor([len(values_ND)]))]
        padded = values_ND.new_zeros(max(counts), *values_ND.shape[1:])
        padded[: len(values_ND)] = values_ND
        pieces = self._all(padded)
        return torch.cat([piece[:count] for piece, count in zip(pieces, counts, strict=True)])

    def agree(self, value: float) -> float:
        """The first process's number, for decisions that hang on a clock or a file."""
        if self.size == 1:
            return value
        number = torch.tensor(value, dtype=torch.float64, device=self.device)
        group.broadcast(number, src=0)
        return float(number)

    def add_gradients(self, model: nn.Module) -> None:
        """Replace every gradient by its sum over all processes."""
        if self.size == 1:
            return
        # a head that a process's rows did not reach has no gradient there, but has elsewhere
        wanted = [p for p in model.parameters() if p.requires_grad]
        pieces = [torch.zeros_like(p) if p.grad is None else p.grad for p in wanted]
        flat = torch.cat([piece.flatten() for piece in pieces])
        group.all_reduce(flat)
        split = flat.split([piece.numel() for piece in pieces])
        for parameter, piece in zip(wanted, split, strict=True):
            parameter.grad = piece.view_as(parameter)

    def part_seeds(self, seed: int) -> None:
        """Let dropout differ between the processes from here on."""
        if self.rank:
            torch.manual_seed(seed + self.rank * _RANK_STRIDE)

    def _all(self, value: Tensor) -> list[Tensor]:
        value = value.to(self.device)
        pieces = [torch.empty_like(value) for _ in range(self.size)]
        group.all_gather(pieces, value)
        return pieces


ALONE = DistributedContext()


@contextmanager
def joined(device: str) -> Generator[DistributedContext]:
    """The team that torchrun started, or a team of one; ``device`` is "cpu" or "cuda"."""
    if device == "cuda" and not torch.cuda.is_available():
        raise MMMError("There is no GPU that torch can use here: train with --device cpu.")
    size = int(os.environ.get("WORLD_SIZE", "1"))
    here = torch.device(device)
    if device == "cuda":
        here = torch.device(device, int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(here)
    if size == 1:
        yield DistributedContext(device=here)
        return
    group.init_process_group("nccl" if device == "cuda" else "gloo")
    try:
        yield DistributedContext(group.get_rank(), size, here)
    finally:
        group.destroy_process_group()
