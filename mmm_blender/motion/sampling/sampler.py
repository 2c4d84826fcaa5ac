"""Filling masked cells step by step, the most certain first. Knows no network.

B batch, L token places, P body parts, K motion codes. In every step the least certain cells are
masked again and each masked cell takes a code from the logits; cells that are not in the mask are
never written to.

Codes that are chosen in one step do not know of each other, and such that do not belong together
slow the decoded body down. A revision mends that: a network that was trained with corrupted tokens
tells of every code of the full grid how likely it is beside all others, and the least likely ones
are chosen again from what it expects in their place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

import torch
from torch import Tensor

from ..config import SamplerConfig
from ..schedule import SCHEDULES, masked_count, step_progress
from ..vocabulary import Vocabulary

Generators: TypeAlias = Sequence[torch.Generator | None]
"""One CPU generator per row; None for a row that is done: if it drew on, what it draws later would
hang on how many steps the others of its batch take."""

TokensToLogits = Callable[[Tensor], Tensor]
"""Token grid (B, L, P) to logits of the motion codes (B, L, P, K), float32."""

_OUTSIDE = -1.0  # below every score: a cell that must keep its token is never picked
_UNKNOWN = 1.0  # the score of a cell that has no code yet
_REVISED_SHARE = 0.4  # of the mask's cells in the first revision, falling to none behind the last
_REVISION_TEMPERATURE = 0.5  # times the sampler's: a revision mends, it does not invent


class Cancelled(Exception):  # noqa: N818  (it is asked for, not an error)
    """The caller asked to stop between two steps."""


def sample(
    tokens_to_logits: TokensToLogits,
    tokens_BLP: Tensor,
    mask_BLP: Tensor,
    *,
    vocabulary: Vocabulary,
    config: SamplerConfig,
    generators: Sequence[torch.Generator],
    on_step: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Tensor:
    """The grid with every cell of ``mask_BLP`` filled with a motion code.

    tokens_BLP holds given codes, END and PAD outside the mask; its codes inside are ignored.
    generators: one CPU generator per row, so that a row's result does not hang on its batch.
    on_step(done, total) is called before the first step and after each; cancelled() is asked
    before each, and Cancelled is raised if it says so.
    """
    lengths = _lengths(tokens_BLP, vocabulary)
    plan = _plan(lengths, mask_BLP, config)
    steps = max(map(len, plan), default=0)
    revisions = config.revisions if steps else 0
    tokens_BLP = torch.where(mask_BLP, vocabulary.mask, tokens_BLP)
    scores_BLP = torch.where(mask_BLP, _UNKNOWN, _OUTSIDE)
    for step in _told(steps + revisions, on_step, cancelled):
        if step >= steps:
            share = _REVISED_SHARE * (steps + revisions - step) / revisions
            logits_BLPK = tokens_to_logits(tokens_BLP)
            open_BLP = _doubted(tokens_BLP, logits_BLPK, mask_BLP, share)
            colder = replace(config, temperature=_REVISION_TEMPERATURE * config.temperature)
            chosen_BLP = _choose(logits_BLPK, lengths, colder, generators)
            tokens_BLP = torch.where(open_BLP, chosen_BLP, tokens_BLP)
            continue
        counts = [row[step] if step < len(row) else 0 for row in plan]
        open_BLP = _least_certain(scores_BLP, counts)
        tokens_BLP = torch.where(open_BLP, vocabulary.mask, tokens_BLP)
        logits_BLPK = tokens_to_logits(tokens_BLP)
        drawing = [
            generator if step < len(row) else None
            for row, generator in zip(plan, generators, strict=True)
        ]
        chosen_BLP = _choose(logits_BLPK, lengths, config, drawing)
        tokens_BLP = torch.where(open_BLP, chosen_BLP, tokens_BLP)
        noise_BLP = _confidence_noise(
            tokens_BLP, lengths, plan, step=step, config=config, generators=drawing
        )
        scores_BLP = _score(logits_BLPK, chosen_BLP, open_BLP, mask_BLP, noise_BLP)
    return tokens_BLP


def _told(
    total: int, on_step: Callable[[int, int], None] | None, cancelled: Callable[[], bool] | None
) -> Iterator[int]:
    """Numbers of the steps; says how far it is, and raises Cancelled where that is wished."""
    for step in range(total):
        if cancelled is not None and cancelled():
            raise Cancelled
        if on_step is not None and step == 0:
            on_step(0, total)
        yield step
        if on_step is not None:
            on_step(step + 1, total)


def _lengths(tokens_BLP: Tensor, vocabulary: Vocabulary) -> list[int]:
    """Motion tokens of every row."""
    is_motion_BLP = (tokens_BLP != vocabulary.end) & (tokens_BLP != vocabulary.pad)
    return is_motion_BLP.any(2).sum(1).tolist()


def _plan(lengths: Sequence[int], mask_BLP: Tensor, config: SamplerConfig) -> list[list[int]]:
    """For every row the number of cells that are masked at each of its steps."""
    schedule = SCHEDULES[config.schedule]
    plan: list[list[int]] = []
    for length, cells in zip(lengths, mask_BLP.flatten(1).sum(1).tolist(), strict=True):
        steps = step_progress(length, config.full_length_steps, config.closing_step, config.steps)
        plan.append([masked_count(schedule, t, cells) for t in steps] if cells else [])
    return plan


def _least_certain(scores_BLP: Tensor, counts: Sequence[int]) -> Tensor:
    """Boolean (B, L, P): each row's ``count`` highest scores, of equal ones the first."""
    flat_BN = scores_BLP.flatten(1)
    order_BN = flat_BN.argsort(dim=1, descending=True, stable=True)
    rank_BN = torch.empty_like(order_BN)
    places_BN = torch.arange(flat_BN.shape[1], device=flat_BN.device).expand_as(order_BN)
    rank_BN.scatter_(1, order_BN, places_BN)
    counts_B1 = torch.tensor(counts, device=flat_BN.device)[:, None]
    return (rank_BN < counts_B1).view_as(scores_BLP) & (scores_BLP > _OUTSIDE)


def _choose(
    logits_BLPK: Tensor,
    lengths: Sequence[int],
    config: SamplerConfig,
    generators: Generators,
) -> Tensor:
    """A code for each cell: the likeliest, with Gumbel noise unless greedy."""
    if config.greedy or config.temperature == 0:
        return logits_BLPK.argmax(-1)
    noisy_BLPK = logits_BLPK.clone()
    for row_LPK, length, generator in zip(noisy_BLPK, lengths, generators, strict=True):
        if generator is None:
            continue
        noise = _gumbel(row_LPK[:length].shape, generator)
        row_LPK[:length] += config.temperature * noise.to(row_LPK.device)
    return noisy_BLPK.argmax(-1)


def _doubted(tokens_BLP: Tensor, logits_BLPK: Tensor, mask_BLP: Tensor, share: float) -> Tensor:
    """Boolean (B, L, P): the share of the mask's cells whose codes the full grid's logits hold for
    the least likely."""
    certainty_BLP = _log_certainty(logits_BLPK, tokens_BLP.where(mask_BLP, 0))
    doubt_BLP = torch.where(mask_BLP, certainty_BLP.neg().clamp(min=0.0), _OUTSIDE)
    counts = [int(share * cells) for cells in mask_BLP.flatten(1).sum(1).tolist()]
    return _least_certain(doubt_BLP, counts)


def _gumbel(shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Standard Gumbel noise: minus the log of an exponential variable (made on the CPU)."""
    return -torch.empty(shape).exponential_(generator=generator).log()


def _score(
    logits_BLPK: Tensor,
    chosen_BLP: Tensor,
    open_BLP: Tensor,
    mask_BLP: Tensor,
    noise_BLP: Tensor | None,
) -> Tensor:
    """How doubtful a cell is: 1 - probability where just filled, 0 where filled before.

    noise_BLP: added to the log-probability, whose doubt then only keeps the order.
    """
    log_certainty_BLP = _log_certainty(logits_BLPK, chosen_BLP)
    if noise_BLP is None:
        # rounding may carry a probability just above 1, and a score must not fall to "outside"
        doubt_BLP = (1.0 - log_certainty_BLP.exp()).clamp(min=0.0)
    else:
        doubt_BLP = (-log_certainty_BLP - noise_BLP).sigmoid()
    return torch.where(mask_BLP, torch.where(open_BLP, doubt_BLP, 0.0), _OUTSIDE)


def _log_certainty(logits_BLPK: Tensor, codes_BLP: Tensor) -> Tensor:
    """Log-probability (B, L, P) of codes."""
    logit_BLP = logits_BLPK.gather(-1, codes_BLP[..., None])[..., 0]
    return logit_BLP - logits_BLPK.logsumexp(-1)


def _confidence_noise(
    tokens_BLP: Tensor,
    lengths: Sequence[int],
    plan: Sequence[Sequence[int]],
    *,
    step: int,
    config: SamplerConfig,
    generators: Generators,
) -> Tensor | None:
    """Gumbel noise (B, L, P) that falls to none at each row's last step; None where not asked."""
    if config.greedy or not config.confidence_noise:
        return None
    noise_BLP = torch.zeros(tokens_BLP.shape)
    rows = zip(noise_BLP, lengths, plan, generators, strict=True)
    for row_LP, length, steps, generator in rows:
        if generator is None:
            continue
        left = max(0.0, 1 - (step + 1) / max(len(steps), 1))
        noise = _gumbel(row_LP[:length].shape, generator)
        row_LP[:length] = config.confidence_noise * left * noise
    return noise_BLP.to(tokens_BLP.device)
