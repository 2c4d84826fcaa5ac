"""A run that trains the motion tokenizer, by steps or by minutes, in one process or several."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ...common.errors import MMMError
from ...common.schema import from_json, to_json
from ...motion.bundles.bundle import CONFIG_FILE
from ...motion.config import TokenizerConfig
from ...motion.networks.bundle_file import load_modules
from ...motion.networks.tokenizer import Tokenizer
from ..data.dataset import (
    TRAIN,
    UNSEEN_STYLES,
    UNSEEN_TAKES,
    Example,
    WindowSampler,
    load_examples,
    statistics,
)
from ..evaluation.tokenizer_figures import tokenizer_figures
from .distributed import DistributedContext
from .loop import Plan, Run, autocast, train
from .losses import TokenizerLoss

WINDOW_FRAMES = 64  # as in the paper
REPORT_EVERY = 500


@dataclass(frozen=True)
class TokenizerOptions:
    """What the command was asked for, by the names of its options."""

    data: Path
    out: Path
    minutes: float
    steps: int
    batch: int
    rate: float
    width: int
    parts: list[str]
    codebooks: list[int]
    codes: int
    code_dim: int
    levels: list[int]
    no_revival: bool
    device: str
    precision: str
    seed: int
    threads: int


def make_loss(
    options: TokenizerOptions,
    tokenizer: Tokenizer,
    sampler: WindowSampler,
    team: DistributedContext,
) -> Callable[[int], Tensor]:
    """This process's share of the loss of a step; now and then its terms are printed."""
    loss = TokenizerLoss(tokenizer.mean_C, tokenizer.std_C).to(team.device)

    def loss_of(step: int) -> Tensor:
        drawn = sampler.draw(options.seed, step)
        features, valid = (values.to(team.device) for values in drawn)
        own = team.rows(len(valid))
        with autocast(team.device, options.precision):
            output = tokenizer(features[own], valid[own])
        made, commitment = output.reconstruction_BTC, output.commitment
        total, terms = loss(made, features[own], valid[own], commitment, valid)
        if step % REPORT_EVERY == 0:
            words = {
                name: round(float(team.total(value.detach())), 5) for name, value in terms.items()
            }
            perplexity = [round(float(p)) for p in output.perplexity_P]
            if team.leads:
                dead = tokenizer.dead_codes
                print(step, words, "perplexity", perplexity, "dead", dead, flush=True)
        return total

    return loss_of


def new_tokenizer(options: TokenizerOptions, team: DistributedContext) -> Tokenizer:
    """An untrained tokenizer, the same in every process."""
    config = TokenizerConfig(
        parts=tuple(options.parts),
        width=options.width,
        codebooks=tuple(options.codebooks),
        codes=math.prod(options.levels) if options.levels else options.codes,
        code_dim=len(options.levels) or options.code_dim,
        levels=tuple(options.levels),
    )
    torch.manual_seed(options.seed)
    tokenizer = Tokenizer(config)
    for book in tokenizer.codebooks:
        book.revives = not options.no_revival
        book.peers = team
    return tokenizer


def fit(options: TokenizerOptions, team: DistributedContext) -> list[float]:
    """Train, write the tokenizer and its figures; the loss of every step of this session."""
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    examples = load_examples(options.data)
    mean, std = statistics(examples[TRAIN])
    tokenizer = new_tokenizer(options, team)
    tokenizer.set_statistics(torch.from_numpy(mean), torch.from_numpy(std))
    plan = Plan(options.minutes, options.rate, options.steps, options.seed)
    checkpoint = options.out / "checkpoint.pt"
    run = Run.start(tokenizer.to(team.device), plan)
    if run.resume(checkpoint):
        print(f"going on from step {run.step}", flush=True)
    sampler = WindowSampler(examples[TRAIN], options.batch, WINDOW_FRAMES, mean, std)
    loss_of = make_loss(options, tokenizer, sampler, team)
    losses = list(train(run, plan, loss_of, checkpoint, "tokenizer", team=team))
    if team.leads:
        tokenizer.load_state_dict(run.ema)
        write_tokenizer(options.out, tokenizer.cpu(), run, examples)
    return losses


def write_tokenizer(
    folder: Path, tokenizer: Tokenizer, run: Run, examples: dict[str, list[Example]]
) -> None:
    """The tokenizer with its averaged weights, and its figures on held-out clips."""
    saved = {"config": to_json(tokenizer.config), "state": tokenizer.state_dict()}
    torch.save(saved, folder / "tokenizer.pt")
    figures: dict[str, object] = {
        split: tokenizer_figures(tokenizer, examples[split])
        for split in (UNSEEN_TAKES, UNSEEN_STYLES)
        if examples[split]
    }
    figures["run"] = {"steps": run.step, "minutes": round(run.seconds / 60, 1)}
    (folder / "figures.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")
    print(json.dumps(figures, indent=1))


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer that a run wrote, or a bundle's; MMMError where there is none."""
    if (folder / CONFIG_FILE).is_file():
        return load_modules(folder)[0]
    if not (folder / "tokenizer.pt").is_file():
        raise MMMError(f"{folder} holds no tokenizer.pt: run tools/train_tokenizer.py first.")
    saved = torch.load(folder / "tokenizer.pt", map_location="cpu", weights_only=True)
    tokenizer = Tokenizer(from_json(TokenizerConfig, saved["config"], "tokenizer.pt"))
    tokenizer.load_state_dict(saved["state"])
    return tokenizer.eval()
