from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mmm_blender.training.trainer.loop import Plan, Run, rate_at, train

STEPS = 12


def make_run(plan: Plan) -> Run:
    torch.manual_seed(0)
    return Run.start(nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 1)), plan)


def losses(run: Run, plan: Plan, checkpoint: Path, stop: int = STEPS) -> list[float]:
    def loss_of(step: int) -> Tensor:
        x = torch.randn(16, 4, generator=torch.Generator().manual_seed(step))
        return (run.model(x) - x.sum(1, keepdim=True)).square().mean()

    result: list[float] = []
    for loss in train(run, plan, loss_of, checkpoint, "test"):
        result.append(loss)
        if run.step == stop:
            run.save(checkpoint)
            break
    return result


def test_a_resumed_run_gives_the_same_curve(tmp_path: Path) -> None:
    plan = Plan(minutes=1, rate=1e-2, steps=STEPS)
    whole = losses(make_run(plan), plan, tmp_path / "whole.pt")
    first = losses(make_run(plan), plan, tmp_path / "part.pt", stop=5)
    again = make_run(plan)
    assert again.resume(tmp_path / "part.pt")
    assert first + losses(again, plan, tmp_path / "part.pt") == whole


def test_the_average_follows_the_weights(tmp_path: Path) -> None:
    plan = Plan(minutes=1, rate=1e-1, steps=STEPS)
    run = make_run(plan)
    start = {name: value.clone() for name, value in run.ema.items()}
    losses(run, plan, tmp_path / "c.pt")
    for name, value in run.model.state_dict().items():
        assert not torch.equal(run.ema[name], start[name])
        assert (run.ema[name] - value).norm() < (start[name] - value).norm() * 1.5


def test_no_checkpoint_is_no_resume(tmp_path: Path) -> None:
    plan = Plan(minutes=1, rate=1e-2, steps=1)
    assert not make_run(plan).resume(tmp_path / "none.pt")


@pytest.mark.parametrize("minutes", [1.0, 10.0])
def test_the_budget_is_time_where_no_steps_are_given(minutes: float) -> None:
    plan = Plan(minutes=minutes, rate=1.0)
    assert plan.progress(10**6, 30 * minutes) == 0.5
    assert rate_at(plan, 10**6, 0.0) == pytest.approx(1.0)
    assert rate_at(plan, 10**6, 1.0) == pytest.approx(0.02)
    assert rate_at(plan, 0, 0.0) < 0.01
