from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mmm_blender.training.trainer.early_stopping import EarlyStopping, best_weights, value_of
from mmm_blender.training.trainer.loop import Plan, Run

PLAN = Plan(minutes=1, rate=1e-2)


class Judge:
    """Gives R@3 of a list in turn; looks cost what a clock says."""

    def __init__(self, *r3: float) -> None:
        self.left, self.seen = list(r3), list[Tensor]()

    def __call__(self, weights: Mapping[str, Tensor]) -> dict[str, float]:
        self.seen.append(weights["weight"].clone())
        return {"fid": 1.0, "r3": self.left.pop(0)}


def new_run() -> Run:
    return Run.start(nn.Linear(2, 2), PLAN)


def steps(run: Run, watch: EarlyStopping, count: int, look_seconds: float = 0.0) -> None:
    """So many steps of a second each, at which the weights grow by one."""
    now = 0.0

    def clock() -> Iterator[float]:
        nonlocal now
        while True:
            yield now
            now += look_seconds

    ticks = clock()
    for _ in range(count):
        run.step += 1
        run.seconds += 1.0
        run.ema["weight"] += 1.0
        watch.after_step(lambda: next(ticks))


def test_half_the_fid_is_worth_a_fifth_of_r3() -> None:
    one = value_of({"fid": 0.4, "r3": 0.5})
    assert value_of({"fid": 0.2, "r3": 0.3}) == pytest.approx(one)
    assert value_of({"fid": 0.4, "r3": 0.6}) > one
    assert value_of({"fid": 0.5, "r3": 0.5}) < one


def test_the_best_averaged_weights_are_kept(tmp_path: Path) -> None:
    run, judge = new_run(), Judge(0.3, 0.6, 0.5)
    watch = EarlyStopping(run, judge, tmp_path / "best.pt", gap_seconds=25.0)
    steps(run, watch, 75)
    assert [look["r3"] for look in watch.looks] == [0.3, 0.6, 0.5]
    assert torch.equal(best_weights(tmp_path / "best.pt")["weight"], judge.seen[1])
    assert not run.finished


def test_a_run_without_gain_ends(tmp_path: Path) -> None:
    run, judge = new_run(), Judge(0.5, 0.6, 0.6, 0.5, 0.4, 0.3)
    watch = EarlyStopping(run, judge, tmp_path / "best.pt", gap_seconds=25.0)
    steps(run, watch, 125)
    assert not run.finished
    steps(run, watch, 25)
    assert run.finished
    run.save(tmp_path / "checkpoint.pt")
    again = new_run()
    assert again.resume(tmp_path / "checkpoint.pt")
    assert again.finished
    assert len(EarlyStopping(again, judge, tmp_path / "best.pt").looks) == 6


def test_looking_costs_an_eighth_of_the_time_at_most(tmp_path: Path) -> None:
    run, judge = new_run(), Judge(*[0.5 + at / 100 for at in range(20)])
    watch = EarlyStopping(run, judge, tmp_path / "best.pt", gap_seconds=25.0)
    steps(run, watch, 2000, look_seconds=60.0)
    looks = len(watch.looks)
    assert looks >= 3
    assert looks * 60 < 0.15 * (2000 + looks * 60)
