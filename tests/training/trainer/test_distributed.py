"""A team of one, and how a batch is shared out; two real processes are in tests/tools."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mmm_blender.common.errors import MMMError
from mmm_blender.training.trainer.distributed import ALONE, DistributedContext, joined


@pytest.mark.parametrize(("count", "size"), [(8, 1), (8, 2), (7, 3), (2, 4)])
def test_every_row_belongs_to_one_process(count: int, size: int) -> None:
    rows = [
        row
        for rank in range(size)
        for row in range(count)[DistributedContext(rank, size).rows(count)]
    ]
    assert rows == list(range(count))


def test_one_process_alone_keeps_what_it_has() -> None:
    values = torch.arange(6.0).view(3, 2)
    assert ALONE.gather(values) is values
    assert ALONE.total(values) is values
    assert ALONE.agree(0.3) == 0.3
    model = nn.Linear(2, 1)
    model(values).sum().backward()
    before = [parameter.grad for parameter in model.parameters()]
    ALONE.add_gradients(model)
    assert [parameter.grad for parameter in model.parameters()] == before


def test_dropout_differs_between_processes_and_repeats() -> None:
    def draw(rank: int) -> float:
        torch.manual_seed(3)
        DistributedContext(rank, 2).part_seeds(3)
        return float(torch.rand(()))

    assert draw(0) == draw(0)
    assert draw(1) == draw(1) != draw(0)


def test_without_a_launcher_there_is_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined("cpu") as team:
        assert (team.rank, team.size, team.leads) == (0, 1, True)
        assert team.device == torch.device("cpu")


def test_a_gpu_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(MMMError, match="--device cpu"), joined("cuda"):
        pass
