"""The training loop that both networks share: a time budget, a learning-rate plan, averaged
weights, checkpoints that a run resumes from.

A step depends on (seed, step number) alone, so a run with a fixed number of steps that was
interrupted goes on as if it had not been. With a budget of minutes the learning rate follows the
clock, and no two runs are quite alike. Several processes may share a run (see ``distributed``).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from ...common.atomic_files import replacing
from .distributed import ALONE, DistributedContext

_AVERAGE_DECAY = 0.999
_WARM_UP_STEPS = 200
_FINAL_RATE = 0.02  # of the peak rate, at the end of the plan
_CHECKPOINT_SECONDS = 120.0
_CLIP_NORM = 1.0
_SEED_STRIDE = 1_000_003  # a prime: runs of different seeds share no step's seed for long


@dataclass(frozen=True)
class Plan:
    """steps: length of the plan, 0 for "as many as the minutes hold". minutes: time budget of
    all sessions of the run together. rate: peak learning rate."""

    minutes: float
    rate: float
    steps: int = 0
    seed: int = 0
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.99)

    def progress(self, step: int, seconds: float) -> float:
        """How much of the plan is done, 0 to 1."""
        if self.steps:
            return min(1.0, step / self.steps)
        return min(1.0, seconds / (60 * self.minutes)) if self.minutes else 1.0


@dataclass
class Run:
    """A network in training. notes: the caller's own, kept with the rest. finished: the caller saw
    that more training does no good."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    ema: dict[str, Tensor]
    step: int = 0
    seconds: float = 0.0
    notes: dict[str, Any] = field(default_factory=dict)
    finished: bool = False

    @classmethod
    def start(cls, model: nn.Module, plan: Plan) -> Run:
        """A new run; the average begins as the weights. On a GPU the rate is a tensor, so that a
        step can be captured and replayed."""
        learnt = [parameter for parameter in model.parameters() if parameter.requires_grad]
        on_gpu = learnt[0].is_cuda
        optimizer = torch.optim.AdamW(
            learnt,
            lr=torch.tensor(plan.rate, device=learnt[0].device) if on_gpu else plan.rate,
            betas=plan.betas,
            weight_decay=plan.weight_decay,
            fused=on_gpu,
            capturable=on_gpu,
        )
        return cls(model, optimizer, {k: v.clone() for k, v in model.state_dict().items()})

    def save(self, path: Path) -> None:
        """Write a checkpoint whole, or leave the one before."""
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        state |= {"average": self.ema, "notes": self.notes, "finished": self.finished}
        with replacing(path) as part:
            torch.save(state | {"step": self.step, "seconds": self.seconds}, part)

    def resume(self, path: Path) -> bool:
        """Go on from a checkpoint; False where there is none."""
        if not path.is_file():
            return False
        device = next(iter(self.ema.values())).device
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.ema = {name: value.to(device) for name, value in state["average"].items()}
        self.notes = state["notes"]
        self.step, self.seconds = state["step"], state["seconds"]
        self.finished = state.get("finished", False)
        return True

    def update_ema(self) -> None:
        """Move the averaged weights; buffers (codebooks) are taken as they are."""
        decay = min(_AVERAGE_DECAY, (1 + self.step) / (10 + self.step))
        parameters = {name for name, _ in self.model.named_parameters()}
        state = self.model.state_dict()
        averaged = [name for name in state if name in parameters]
        copied = [name for name in state if name not in parameters]
        with torch.no_grad():
            torch._foreach_lerp_(  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage]  # one kernel
                [self.ema[name] for name in averaged], [state[name] for name in averaged],
                1 - decay,
            )  # fmt: skip
            for name in copied:
                self.ema[name].copy_(state[name])

    def set_rate(self, rate: float) -> None:
        """The learning rate of the next step."""
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def descend(self, loss: Tensor, team: DistributedContext = ALONE) -> None:
        """Move the weights against the loss's gradient. Waits for nothing."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        team.add_gradients(self.model)
        nn.utils.clip_grad_norm_(self.model.parameters(), _CLIP_NORM)
        self.optimizer.step()


def rate_at(plan: Plan, step: int, progress: float) -> float:
    """Linear warm-up, then half a cosine down to a small rest."""
    warm = min(1.0, (step + 1) / _WARM_UP_STEPS)
    fall = 0.5 * (1 + math.cos(math.pi * progress))
    return plan.rate * warm * (_FINAL_RATE + (1 - _FINAL_RATE) * fall)


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Matrix products in bfloat16, or (precision "float32") all as it is."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


def step_seed(plan: Plan, step: int) -> int:
    """What torch's generator is seeded with before a step."""
    return plan.seed * _SEED_STRIDE + step


def train(
    run: Run,
    plan: Plan,
    loss_of: Callable[[int], Tensor],
    checkpoint: Path,
    name: str,
    *,
    team: DistributedContext = ALONE,
) -> Iterator[float]:
    """Train to the end of the plan; yields the loss after every step.

    ``loss_of(step)`` draws the step's batch and returns the loss, or this process's share of it
    (the shares add up to the loss). torch's own generator is seeded from the step first, so
    dropout and masks repeat on a resumed run too. The first process writes the checkpoints.
    """
    bar = tqdm(
        desc=name,
        initial=run.step,
        total=plan.steps or None,
        mininterval=10,
        unit="step",
        disable=not team.leads,
    )
    started, before, saved = time.monotonic(), run.seconds, time.monotonic()
    while not run.finished and (progress := _progress(run, plan, team)) < 1:
        torch.manual_seed(step_seed(plan, run.step))
        run.set_rate(rate_at(plan, run.step, progress))
        loss = loss_of(run.step)
        run.descend(loss, team)
        run.step += 1
        run.update_ema()
        run.seconds = before + time.monotonic() - started
        bar.update()
        if team.leads and time.monotonic() - saved > _CHECKPOINT_SECONDS:
            run.save(checkpoint)
            saved = time.monotonic()
        yield float(team.total(loss.detach()))
    if team.leads:
        run.save(checkpoint)
    bar.close()


def _progress(run: Run, plan: Plan, team: DistributedContext) -> float:
    """The plan's progress by steps, or by the first process's clock."""
    progress = plan.progress(run.step, run.seconds)
    return progress if plan.steps else team.agree(progress)
