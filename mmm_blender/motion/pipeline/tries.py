"""Motions of prompts alone, tried again where the first try does not show what its prompt claims.

The first try of each is what it would be without the others. Only where it fails more are made, in
one batch; the first one, in the order of the tries, that shows all is taken, else the one that
shows most. Tries differ in their noise alone.

Steps that are counted take their own time. Left to itself a model goes on for as long as the clip
lasts; so where tries are made, what is left of the clip is filled with somebody who stands. To come
to a stand takes a step or two more, so the tries leave it more or less of them.

L token places, P columns of the grid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

import numpy as np

from ...common.arrays import IntArray
from ...prompts.claims import Claims, claims_of
from ...prompts.sequence_plan import natural_seconds
from ..sampling.noise import Noise
from .candidates import candidate_seeds
from .decoding import decode_tokens, finished
from .obedience import MET, Verdict, unmet_note, verdict_on
from .windows import Window, WindowFiller

_STANDS = "a person stands still"
_LEAST_REST = 3
"""Places, at least, in which somebody stands after the steps that were counted."""

_FEWER_PLACES = (3, 2, 4, 5)
"""Places by which the tries shorten the time of counted steps in turn: a step takes about three."""

_ROWS = 16
"""Further tries in one batch: more take memory and no less time."""


@dataclass(frozen=True)
class Ask:
    """A prompt for a motion of so many token places. frames: that are seen of it, at the layout's
    rate. pin_feet: it is judged with its feet pinned, as the person sees it. number: of the try."""

    prompt: str
    places: int
    seed: int
    frames: int
    pin_feet: bool = True
    number: int = 0


@dataclass(frozen=True, eq=False)
class Tried:
    """The try that was taken. notes: what it does not show, after all tries."""

    tokens_LP: IntArray
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Open:
    """An ask whose claims are not met yet, its best try so far, and its further tries."""

    row: int
    claims: Claims
    tried: Tried
    verdict: Verdict
    further: list[tuple[int, Ask]]


def tries_for(filler: WindowFiller, prompt: str) -> int:
    """How many tries a prompt may have: one where it claims nothing."""
    return filler.sampler.claim_tries if claims_of(prompt) else 1


def obedient_tokens(filler: WindowFiller, asks: Sequence[Ask]) -> list[Tried]:
    """Tokens (L, P) of each ask, the first tries in one batch and all further ones in the next."""
    several = any(tries_for(filler, ask.prompt) > 1 for ask in asks)
    first = _sampled(filler.part(0, 2) if several else filler, asks)
    taken = [Tried(tokens_LP) for tokens_LP in first]
    opened = [each for row, ask in enumerate(asks) if (each := _opened(filler, ask, row, first))]
    jobs = [job for each in opened for job in each.further]
    verdicts = {each.row: each for each in opened}
    rest = filler.part(1, 2)
    batches = [jobs[at : at + _ROWS] for at in range(0, len(jobs), _ROWS)]
    for index, batch in enumerate(batches):
        left = [job for job in batch if not verdicts[job[0]].verdict.is_met]
        again = [ask for _, ask in left]
        made = _sampled(rest.part(index, len(batches)), again)
        for (row, _), ask, tokens_LP in zip(left, again, made, strict=True):
            verdicts[row] = _better(filler, verdicts[row], ask, tokens_LP)
    for each in verdicts.values():
        tries = filler.sampler.claim_tries
        notes = unmet_note(each.claims, each.verdict, tries)
        taken[each.row] = replace(each.tried, notes=notes)
    return taken


def _opened(filler: WindowFiller, ask: Ask, row: int, first: Sequence[IntArray]) -> _Open | None:
    """The ask with its further tries, where the first one does not do."""
    tries, claims = tries_for(filler, ask.prompt), claims_of(ask.prompt)
    verdict = _verdict(filler, ask, claims, first[row]) if tries > 1 else MET
    if verdict.is_met:
        return None
    seeds = enumerate(candidate_seeds(ask.seed, tries))
    further = [(row, replace(ask, seed=seed, number=number)) for number, seed in seeds if number]
    return _Open(row, claims, Tried(first[row]), verdict, further)


def _better(filler: WindowFiller, known: _Open, ask: Ask, tokens_LP: IntArray) -> _Open:
    """The better of the best try so far and the next one; of equals the earlier."""
    if known.verdict.is_met:
        return known
    verdict = _verdict(filler, ask, known.claims, tokens_LP)
    if verdict.share <= known.verdict.share:
        return known
    return replace(known, tried=Tried(tokens_LP), verdict=verdict)


def _verdict(filler: WindowFiller, ask: Ask, claims: Claims, tokens_LP: IntArray) -> Verdict:
    decoded = decode_tokens(filler.model, tokens_LP, ask.frames)
    return verdict_on(claims, finished(decoded, 0.0, ask.pin_feet)[0])


def _sampled(filler: WindowFiller, asks: Sequence[Ask]) -> list[IntArray]:
    """Tokens (L, P) of each ask, sampled in one batch."""
    if not asks:
        return []
    borders = list(pairwise([0, *accumulate(ask.places for ask in asks)]))
    stops = [start + _busy(filler, ask) for (start, _), ask in zip(borders, asks, strict=True)]
    noises = [Noise(ask.seed) for ask in asks]
    tokens_LP = np.zeros((borders[-1][1], len(filler.model.columns)), dtype=np.int64)
    mask_LP = np.ones(tokens_LP.shape, dtype=np.bool_)
    windows = [Window(a, b, a, b) for (a, _), b in zip(borders, stops, strict=True)]
    rests = [
        (Window(a, end, stop, end), noise.next())
        for (a, end), stop, noise in zip(borders, stops, noises, strict=True)
        if stop < end
    ]
    parts = 2 if rests else 1
    prompts = [ask.prompt for ask in asks]
    tokens_LP = filler.part(0, parts).fill(tokens_LP, mask_LP, windows, prompts, noises)
    if rests:
        for window in windows:
            mask_LP[window.fill_start : window.fill_stop] = False
        later, calm = zip(*rests, strict=True)
        still = [_STANDS] * len(rests)
        tokens_LP = filler.part(1, parts).fill(tokens_LP, mask_LP, later, still, calm)
    return [tokens_LP[start:end] for start, end in borders]


def _busy(filler: WindowFiller, ask: Ask) -> int:
    """Places in which the prompt's own motion is made: of counted steps the time that they take."""
    counts = [claim.count for part in claims_of(ask.prompt) for claim in part if claim.count]
    seconds, is_told = natural_seconds(ask.prompt)
    if not counts or not is_told or tries_for(filler, ask.prompt) < 2:
        return ask.places
    own = math.ceil(seconds / filler.model.tokenizer_config.token_seconds)
    own = max(1, own - _FEWER_PLACES[ask.number % len(_FEWER_PLACES)])
    return own if own + _LEAST_REST <= ask.places else ask.places
