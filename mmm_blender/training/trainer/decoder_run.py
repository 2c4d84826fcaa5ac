"""A run that trains a tokenizer's decoders further, on tokens of which some are wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ...motion.bundles.bundle import files_of, read_bundle
from ...motion.networks.bundle_file import modules_of, save_bundle
from ...motion.networks.tokenizer import Tokenizer
from ..data.dataset import TRAIN, WindowSampler, load_examples
from .loop import Plan, Run, autocast, step_seed, train
from .losses import TokenizerLoss, rotation_error
from .tokenizer_run import WINDOW_FRAMES, load_tokenizer, write_tokenizer

CLEAN_SHARE = 0.5  # of the windows keep all their tokens: what is encoded must come back
MOST_WRONG = 0.3  # of a window's tokens are replaced by random ones, at most
_ROTATION_WEIGHT = 2.0  # of what is exported: rotations and the root alone


@dataclass(frozen=True)
class DecoderOptions:
    """What the command was asked for, by the names of its options."""

    data: Path
    tokenizer: Path
    out: Path
    minutes: float
    steps: int
    batch: int
    rate: float
    precision: str
    seed: int
    threads: int
    bundle: Path | None = None


def with_wrong_tokens(tokens_BLP: Tensor, codes: int, rng: torch.Generator) -> Tensor:
    """The grid with random codes in some cells of about half the rows."""
    rows = len(tokens_BLP)
    share_B = MOST_WRONG * torch.rand(rows, generator=rng)
    share_B = torch.where(torch.rand(rows, generator=rng) < CLEAN_SHARE, 0.0, share_B)
    wrong = torch.rand(tokens_BLP.shape, generator=rng) < share_B[:, None, None]
    return torch.where(wrong, torch.randint(codes, tokens_BLP.shape, generator=rng), tokens_BLP)


def make_loss(
    options: DecoderOptions, tokenizer: Tokenizer, plan: Plan, sampler: WindowSampler
) -> Callable[[int], Tensor]:
    """The loss of a step: what is decoded from partly wrong tokens against the true motion."""
    loss, codes = TokenizerLoss(tokenizer.mean_C, tokenizer.std_C), tokenizer.config.codes
    no_commitment = torch.zeros(())

    def loss_of(step: int) -> Tensor:
        features, valid = sampler.draw(options.seed, step)
        rng = torch.Generator().manual_seed(step_seed(plan, step))
        with autocast(features.device, options.precision):
            with torch.no_grad():
                tokens_BLP = tokenizer.encode(features * valid[..., None])
            made = tokenizer.decode(with_wrong_tokens(tokens_BLP, codes, rng))
        made, wanted = made.float(), features
        angle = rotation_error(tokenizer.denormalise(made), tokenizer.denormalise(wanted), valid)
        return loss(made, wanted, valid, no_commitment)[0] + _ROTATION_WEIGHT * angle

    return loss_of


def freeze_but_decoders(tokenizer: Tokenizer) -> None:
    """Leave gradients to the decoders alone; no codebook moves either."""
    tokenizer.eval()
    for part in tokenizer.part_tokenizers:
        part.encoder.requires_grad_(False)


def fit(options: DecoderOptions) -> list[float]:
    """Train, write the tokenizer and its figures; the loss of every step of this session."""
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    tokenizer = load_tokenizer(options.tokenizer)
    freeze_but_decoders(tokenizer)
    plan = Plan(options.minutes, options.rate, options.steps, options.seed, weight_decay=0.0)
    checkpoint = options.out / "checkpoint.pt"
    session = Run.start(tokenizer, plan)
    if session.resume(checkpoint):
        print(f"going on from step {session.step}", flush=True)
    examples = load_examples(options.data)
    mean, std = (x.double().numpy() for x in (tokenizer.mean_C, tokenizer.std_C))
    sampler = WindowSampler(examples[TRAIN], options.batch, WINDOW_FRAMES, mean, std)
    loss_of = make_loss(options, tokenizer, plan, sampler)
    losses = list(train(session, plan, loss_of, checkpoint, "decoders"))
    tokenizer.load_state_dict(session.ema)
    if options.bundle:
        write_bundle(options.tokenizer, options.bundle, tokenizer)
    write_tokenizer(options.out, tokenizer, session, examples)
    return losses


def write_bundle(before: Path, folder: Path, tokenizer: Tokenizer) -> None:
    """A bundle with its decoders trained further: all else as it was."""
    stored = read_bundle(before)
    _, transformer = modules_of(stored)
    inside = stored.config.text["folder"]
    save_bundle(folder, stored.config, tokenizer, transformer, files_of(before / inside, inside))
