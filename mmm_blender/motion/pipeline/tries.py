"""Motions of prompts alone, tried again where the first try does not show what its prompt claims.

The first try of each is what it would be without the others. Only where it fails more are made, in
one batch; the first one, in the order of the tries, that shows all is taken, else the one that
shows most. Tries differ in their noise alone. Where none of them does, as many are made of plainer
words for the same claims.

Steps that are counted take their own time. Left to itself a model goes on for as long as the clip
lasts; so where tries are made, what is left of the clip is filled with somebody who stands. To come
to a stand takes a step or two more, so the tries leave it more or less of them.

L token places, P columns of the grid.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

import numpy as np

from ...common.arrays import IntArray
from ...prompts.claims import Claims, claims_of, plain_prompt, whole_claims
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

_REWORDED = 'Made of plain words, "{plain}": yours did not come to it in any try.'

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
    """An ask whose claims are not met yet, and its best try so far."""

    row: int
    ask: Ask
    claims: Claims
    tried: Tried
    verdict: Verdict


_Further = Callable[[WindowFiller, _Open], list[Ask]]


def tries_for(filler: WindowFiller, prompt: str) -> int:
    """How many tries a prompt may have: one where it claims nothing."""
    return filler.sampler.claim_tries if claims_of(prompt) else 1


def obedient_tokens(filler: WindowFiller, asks: Sequence[Ask]) -> list[Tried]:
    """Tokens (L, P) of each ask, the first tries in one batch and all further ones in the next."""
    several = any(tries_for(filler, ask.prompt) > 1 for ask in asks)
    rounds: tuple[_Further, ...] = (_other_seeds, _plain_words)
    parts = 1 + len(rounds) if several else 1
    first = _sampled(filler.part(0, parts), asks)
    taken = [Tried(tokens_LP) for tokens_LP in first]
    opened = [each for row, ask in enumerate(asks) if (each := _opened(filler, ask, row, first))]
    for part, further in enumerate(rounds, start=1):
        opened = _tried_on(filler.part(part, parts), opened, further)
    for each in opened:
        unmet = unmet_note(each.claims, each.verdict, filler.sampler.claim_tries)
        taken[each.row] = replace(each.tried, notes=(*each.tried.notes, *unmet))
    return taken


def _opened(filler: WindowFiller, ask: Ask, row: int, first: Sequence[IntArray]) -> _Open | None:
    """The ask, where its first try does not do."""
    claims = whole_claims(ask.prompt)
    several = tries_for(filler, ask.prompt) > 1
    verdict = _verdict(filler, ask, claims, first[row]) if several else MET
    return None if verdict.is_met else _Open(row, ask, claims, Tried(first[row]), verdict)


def _other_seeds(filler: WindowFiller, known: _Open) -> list[Ask]:
    """The same words with other noise."""
    return _seeded(filler, known.ask)[1:]


def _plain_words(filler: WindowFiller, known: _Open) -> list[Ask]:
    """What is claimed in the words that a model was taught, where the person's own did not do: only
    for the sake of what they say."""
    plain = plain_prompt(known.claims)
    if known.verdict.only_turns or plain == known.ask.prompt.strip().lower():
        return []
    return _seeded(filler, replace(known.ask, prompt=plain))


def _seeded(filler: WindowFiller, ask: Ask) -> list[Ask]:
    seeds = enumerate(candidate_seeds(ask.seed, filler.sampler.claim_tries))
    return [replace(ask, seed=seed, number=number) for number, seed in seeds]


def _tried_on(filler: WindowFiller, opened: list[_Open], further: _Further) -> list[_Open]:
    """The asks after further tries of those that are not met, in batches."""
    known = {each.row: each for each in opened}
    open_rows = [each for each in opened if not each.verdict.is_met]
    jobs = [(each.row, ask) for each in open_rows for ask in further(filler, each)]
    batches = [jobs[at : at + _ROWS] for at in range(0, len(jobs), _ROWS)]
    for index, batch in enumerate(batches):
        left = [job for job in batch if not known[job[0]].verdict.is_met]
        made = _sampled(filler.part(index, len(batches)), [ask for _, ask in left])
        for (row, ask), tokens_LP in zip(left, made, strict=True):
            known[row] = _better(filler, known[row], ask, tokens_LP)
    return list(known.values())


def _better(filler: WindowFiller, known: _Open, ask: Ask, tokens_LP: IntArray) -> _Open:
    """The better of the best try so far and the next one; of equals the earlier. Other words than
    the person's are taken where they show all of it, with a note."""
    if known.verdict.is_met:
        return known
    verdict = _verdict(filler, ask, known.claims, tokens_LP)
    reworded = ask.prompt != known.ask.prompt
    if verdict.share <= known.verdict.share or (reworded and not verdict.is_met):
        return known
    notes = (_REWORDED.format(plain=ask.prompt),) if reworded else ()
    return replace(known, tried=Tried(tokens_LP, notes), verdict=verdict)


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
