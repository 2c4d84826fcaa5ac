"""What is judged: the motions that a bundle, its tokenizer or the training set give for a text."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from tqdm import tqdm

from ...common.arrays import FloatArray, IntArray
from ...geometry.clip import MotionClip
from ...geometry.conventions import MODEL_FPS
from ...motion.features import decode_to_clip, encode_from_clip
from ...motion.motion_model import MotionModel
from ...motion.pipeline.pipeline import GenerateRequest, GenerateResult
from ..data.captions import caption
from ..data.dataset import Example
from ..data.labels import label_of
from . import metrics
from .evaluator import MAX_FRAMES, Evaluator
from .held_out import MIN_FRAMES, Window
from .metrics import R_BATCH, TOP

BATCH = 16  # clips at once: more take memory and no less time
_QUICK = 128  # clips of a quick score
_QUICK_BATCHES = 8


class MakesMotion(Protocol):
    """A generator, or what stands for one while it is trained."""

    def generate_batch(self, requests: Sequence[GenerateRequest]) -> list[GenerateResult]:
        """One result for each request, in order."""
        ...


def generate_all(
    generator: MakesMotion, requests: Sequence[GenerateRequest], name: str = "generated"
) -> list[MotionClip]:
    """Clips for requests, in order, in batches of similar length."""
    clips: dict[int, MotionClip] = {}
    with tqdm(total=len(requests), desc=name, mininterval=5) as bar:
        for rows in _alike([request.seconds for request in requests]):
            results = generator.generate_batch([requests[row] for row in rows])
            clips |= {int(row): result.clip for row, result in zip(rows, results, strict=True)}
            bar.update(len(rows))
    return [clips[row] for row in range(len(requests))]


def _alike(sizes: Sequence[float]) -> Iterator[IntArray]:
    """Rows in batches, similar sizes together."""
    order = np.argsort(sizes, kind="stable")
    return (order[at : at + BATCH] for at in range(0, len(order), BATCH))


def requests_of(windows: Sequence[Window], seed: int) -> list[GenerateRequest]:
    """A request for every window's text, as long as the window, each with a seed of its own."""
    return [
        GenerateRequest(window.text, window.clip.seconds, seed + at)
        for at, window in enumerate(windows)
    ]


def reconstruct(model: MotionModel, clip: MotionClip) -> MotionClip:
    """The clip through the tokens and back, on the exported rotations."""
    layout = model.tokenizer_config.feature_layout
    tokens_LP = model.encode(model.normalise(encode_from_clip(clip, layout)))
    return decode_to_clip(model.denormalise(model.decode(tokens_LP)), layout)


def nearest_by_text(
    evaluator: Evaluator, texts: FloatArray, known: Sequence[Example], seed: int
) -> IntArray:
    """For each text's embedding (N, E) the training clip whose caption lies nearest to it. (N,)."""
    rng = np.random.default_rng(seed)
    draws = [_random(rng) for _ in known]
    captions = evaluator.embed_text(
        [caption(e.record, draw, e.mirrored) for e, draw in zip(known, draws, strict=True)]
    )
    return metrics.distances(texts, captions).argmin(axis=1)


def _random(rng: np.random.Generator) -> random.Random:
    return random.Random(int(rng.integers(2**31)))


def quick_scores(
    generator: MakesMotion, evaluator: Evaluator, examples: Sequence[Example], seed: int
) -> dict[str, float]:
    """``fid`` and ``r3`` of what is generated for held-out clips' captions: for early stopping.

    The same seed asks for the same texts, lengths and seeds every time.
    """
    rng = np.random.default_rng(seed)
    usable = [e for e in examples if MIN_FRAMES <= len(e.features_TC) <= MAX_FRAMES]
    chosen = [usable[at] for at in rng.permutation(len(usable))[:_QUICK]]
    texts = [caption(e.record, _random(rng), e.mirrored) for e in chosen]
    requests = [
        GenerateRequest(text, len(e.features_TC) / MODEL_FPS, seed + at, pin_feet=False)
        for at, (text, e) in enumerate(zip(texts, chosen, strict=True))
    ]
    made = evaluator.embed_motion(generate_all(generator, requests, "quick scores"))
    real = evaluator.embed_motion([e.features_TC for e in chosen])
    sentences = evaluator.embed_text(texts)
    labels = [label_of(e.record, e.mirrored) for e in chosen]
    batches = [metrics.distinct_batch(labels, R_BATCH, rng) for _ in range(_QUICK_BATCHES)]
    shares = [metrics.r_precision(sentences[rows], made[rows])[TOP.index(3)] for rows in batches]
    return {"fid": metrics.fid(real, made), "r3": float(np.mean(shares))}
