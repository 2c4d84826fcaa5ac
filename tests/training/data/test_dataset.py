from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmm_blender.training.data.dataset import (
    TRAIN,
    Example,
    WindowSampler,
    balance_weights,
    load_examples,
    split_of,
    statistics,
)
from mmm_blender.training.data.motion_file import ClipRecord, save_motions
from tests.training.synthetic import walk_on_the_spot

RECORD = ClipRecord("t#0", "t", "bandai", "walk", "normal", "", 40)


def takes(count: int) -> list[ClipRecord]:
    return [replace(RECORD, name=f"t{at}#0", take=f"t{at}") for at in range(count)]


def test_pieces_of_a_take_share_its_split() -> None:
    for record in takes(200):
        pieces = [replace(record, name=f"{record.take}#{at}") for at in range(4)]
        assert len({split_of(piece) for piece in pieces}) == 1


def test_a_pair_is_held_out_whole_and_the_shares_are_near_what_is_asked() -> None:
    splits = [split_of(record) for record in takes(4000)]
    assert set(splits) == {TRAIN, "unseen takes"}
    assert splits.count("unseen takes") / len(splits) == pytest.approx(0.05, abs=0.015)
    pairs = [replace(RECORD, content="run", style="elderly", take=f"t{at}") for at in range(50)]
    assert {split_of(record) for record in pairs} == {"unseen styles"}


def test_balancing_lifts_what_is_rare() -> None:
    many = [Example(record, False, np.zeros((4, 1))) for record in takes(99)]
    rare = Example(replace(RECORD, content="kick"), False, np.zeros((4, 1)))
    weights = balance_weights([*many, rare])
    assert weights.sum() == pytest.approx(1)
    assert 4 * weights[0] < weights[-1] < 5 * weights.mean()
    assert weights[-1] < weights[:-1].sum()


def test_windows_are_normalised_padded_and_repeatable(tmp_path: Path) -> None:
    clip = walk_on_the_spot(40)
    records = [record for record in takes(30) if split_of(record) == TRAIN]
    save_motions(tmp_path / "m.npz", records, [clip] * len(records))
    examples = load_examples(tmp_path / "m.npz")[TRAIN]
    assert len(examples) == 2 * len(records)  # and their mirrors
    mean, std = statistics(examples)
    sampler = WindowSampler(examples, batch=8, frames=64, mean=mean, std=std)
    features, valid = sampler.draw(seed=1, step=7)
    assert features.shape == (8, 64, 269)
    assert valid.sum(1).tolist() == [40] * 8
    assert (features[:, 40:] == 0).all()
    again, _ = sampler.draw(seed=1, step=7)
    assert (features == again).all()
    assert (sampler.draw(seed=1, step=8)[0] != features).any()
