"""The path that a batch is told: the torch twin of the NumPy function, and who is told what."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mmm_blender.motion.features import path_condition
from mmm_blender.training.trainer.path_batches import known_borders, path_features
from mmm_blender.training.trainer.row_sampler import Rows
from mmm_blender.training.trainer.token_batches import Masks

COLUMNS = 4
ROOT_P = torch.tensor([True, True, False, False])


def rows(count: int = 400, places: int = 12, length: int = 10) -> Rows:
    lengths = torch.full((count,), length)
    nothing = torch.zeros(count, places, dtype=torch.bool)
    return Rows(
        tokens_BLP=torch.zeros(count, places, COLUMNS, dtype=torch.long),
        lengths_B=lengths,
        gap_BL=nothing,
        ids_BW=torch.zeros(count, 1, dtype=torch.long),
        words_BW=torch.ones(count, 1, dtype=torch.bool),
        poses_BS3=torch.zeros(count, places + 1, 3),
        task_B=torch.zeros(count, dtype=torch.long),
        known_B=torch.ones(count, dtype=torch.bool),
    )


@pytest.mark.parametrize("seed", range(8))
def test_the_batch_is_told_what_one_path_is_told(seed: int) -> None:
    rng = np.random.default_rng(seed)
    poses = rng.normal(size=(5, 14, 3)) * [2.0, 2.0, 3.0]
    position = rng.random((5, 14)) < rng.choice([0.1, 0.4, 1.0])
    heading = rng.random((5, 14)) < 0.6
    made = path_features(
        torch.from_numpy(poses), torch.from_numpy(position), torch.from_numpy(heading), 0.2
    )
    for row in range(5):
        wanted = path_condition.path_features(poses[row], position[row], heading[row], 0.2)
        assert made[row].numpy() == pytest.approx(wanted, abs=1e-5)


def test_most_rows_know_a_path_and_many_know_none() -> None:
    torch.manual_seed(0)
    given = rows()
    every = Masks(torch.ones(400, 12, COLUMNS, dtype=torch.bool), torch.zeros(400, 1, 1).bool())
    position, heading = known_borders(given, every, ROOT_P)
    heard = position.any(1)
    assert 0.5 < heard.float().mean() < 0.7
    assert position[heard, 0].all() and heading[heard, 0].all()
    assert not position[:, 11:].any()  # nothing after the clip's end
    assert not (heading & ~position).any()
    counts = position[heard].sum(1)
    assert (counts == 11).float().mean() > 0.2  # a dense path
    assert (counts == 2).float().mean() > 0.1  # the end alone


def test_an_edit_knows_where_its_sides_stand() -> None:
    torch.manual_seed(0)
    given = rows()
    masked = torch.zeros(400, 12, COLUMNS, dtype=torch.bool)
    masked[:, 4:7] = True
    edited = torch.ones(400, 1, 1, dtype=torch.bool)
    position, _ = known_borders(given, Masks(masked, edited), ROOT_P)
    sides = torch.tensor([True] * 5 + [False] * 2 + [True] * 4 + [False] * 2)
    arrives = (position & sides).eq(sides).all(1)
    assert 0.4 < arrives.float().mean() < 0.65  # those that hear of a path and are not left free


def test_a_row_whose_path_nobody_knows_hears_none() -> None:
    torch.manual_seed(0)
    given = rows()
    given.known_B[:] = False
    every = Masks(torch.ones(400, 12, COLUMNS, dtype=torch.bool), torch.zeros(400, 1, 1).bool())
    assert not known_borders(given, every, ROOT_P)[0].any()
