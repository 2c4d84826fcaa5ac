"""tools/evaluate.py on a HumanML3D or KIT-ML folder, with the field's published evaluator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from mmm_blender.geometry.resample import resample
from mmm_blender.motion.features import encode_from_clip
from mmm_blender.motion.features.layout import FeatureLayout

from ...common.arrays import AnyArray, FloatArray, IntArray
from ...common.errors import MMMError
from ...motion.pipeline.pipeline import GenerateRequest, GenerateResult, MotionPipeline
from . import metrics
from .field_table import MODALITY, Figures, Judged, figures_of, r_figures
from .held_out import Origin
from .humanml3d_folder import Caption, Item, read_folder
from .judging import BATCH
from .metrics import REPETITIONS, Interval
from .published_evaluator import PublishedEvaluator, load_published
from .suite import GENERATED, REAL, REAL_SHUFFLED, RECONSTRUCTED, SHUFFLED, TEST_SEED

VARIED_TEXTS, VARIED_SEEDS, VARIED_PAIRS = 32, 10, 10
"""Texts that MultiModality is measured on, motions of each, and pairs of them."""


@dataclass(frozen=True)
class Asked:
    """A text, and how many frames of motion it is to become."""

    caption: Caption
    frames: int


def judge_folder(
    folder: Path, published: Path, generator: MotionPipeline | None, motions: int
) -> dict[str, Any]:
    """The field's table of up to so many motions of test.txt, each with one of its captions."""
    evaluator = load_published(published)
    found = read_folder(folder)
    layout = found.layout
    if evaluator.channels != layout.channels:
        raise MMMError(
            f"The evaluator in {published} judges {evaluator.channels} channels, and the motions "
            f"in {folder} have {layout.channels}: give the evaluator of that data set."
        )
    rng = np.random.default_rng(TEST_SEED)
    items = [found.items[at] for at in rng.permutation(len(found.items))[:motions]]
    asked = [_asked(item, rng) for item in items]
    judged = _judged(items, asked, evaluator)
    rows = {REAL: figures_of(judged, judged.real_NE, TEST_SEED)}
    rows[REAL_SHUFFLED] = r_figures(judged, judged.real_NE, TEST_SEED, shuffled=True)
    if generator:
        maker = Maker(generator, layout)
        rows |= _made_rows(maker, evaluator, judged, asked)
        if maker.speaks_layout:
            back = [maker.through_tokens(item.features_TC) for item in items]
            rows[RECONSTRUCTED] = figures_of(judged, evaluator.embed_motion(back), TEST_SEED)
    return {
        "motions": len(items),
        "left out": dict(found.skipped),
        "real half to half": _halves(judged.real_NE),
        "rows": rows,
    }


def _asked(item: Item, rng: np.random.Generator) -> Asked:
    caption = item.captions[int(rng.integers(len(item.captions)))]
    return Asked(caption, len(item.features_TC))


def _judged(items: Sequence[Item], asked: Sequence[Asked], evaluator: PublishedEvaluator) -> Judged:
    """Every motion is a label of its own, as in the field."""
    origins = [Origin(item.name, item.name, (item.name, "")) for item in items]
    text = evaluator.embed_text([each.caption.words for each in asked])
    real = evaluator.embed_motion([item.features_TC for item in items])
    return Judged(origins, text, real, origins, real)


def _halves(real_NE: FloatArray) -> Interval:
    """FID of one random half of the real motions to the other."""
    values: list[float] = []
    for at in range(REPETITIONS):
        order = np.random.default_rng((TEST_SEED, at)).permutation(len(real_NE))
        first, second = order[: len(order) // 2], order[len(order) // 2 :]
        values.append(metrics.fid(real_NE[first], real_NE[second]))
    return Interval.of(values)


def _made_rows(
    maker: Maker, evaluator: PublishedEvaluator, judged: Judged, asked: Sequence[Asked]
) -> dict[str, Figures]:
    made = evaluator.embed_motion(maker.generated(asked, 1))
    rows = {GENERATED: figures_of(judged, made, TEST_SEED)}
    rows[SHUFFLED] = r_figures(judged, made, TEST_SEED, shuffled=True)
    varied = asked[:VARIED_TEXTS]
    embedded = evaluator.embed_motion(maker.generated(varied, VARIED_SEEDS))
    groups = np.split(embedded, len(varied))
    rows[GENERATED][MODALITY] = Interval.of(
        [
            metrics.multimodality(groups, VARIED_PAIRS, np.random.default_rng((TEST_SEED, at)))
            for at in range(REPETITIONS)
        ]
    )
    return rows


@dataclass(frozen=True, eq=False)
class Maker:
    """A bundle's motions as features of the folder's layout."""

    generator: MotionPipeline
    layout: FeatureLayout

    @property
    def speaks_layout(self) -> bool:
        """The bundle's own features are those of the folder."""
        return self.generator.config.tokenizer.feature_layout.name == self.layout.name

    def generated(self, asked: Sequence[Asked], seeds: int) -> list[AnyArray]:
        """Features for every text, ``seeds`` of each in a row; what is shorter or longer than the
        bundle can make is made as near as it can."""
        least, most = self.generator.min_seconds, self.generator.max_seconds
        requests = [
            GenerateRequest(
                each.caption.text,
                min(max(each.frames / self.layout.fps, least), most),
                TEST_SEED + seed,
                pin_feet=False,  # the field judges what the network says
            )
            for each in asked
            for seed in range(seeds)
        ]
        made: list[AnyArray] = []
        for at in tqdm(range(0, len(requests), BATCH), desc=GENERATED, mininterval=5):
            results = self.generator.generate_batch(requests[at : at + BATCH])
            made += [self._features(result) for result in results]
        return made

    def _features(self, result: GenerateResult) -> AnyArray:
        """What the network says itself where it speaks the layout; else the clip in that layout."""
        if self.speaks_layout:
            return self._decoded(result.tokens_LP)
        return encode_from_clip(resample(result.clip, self.layout.fps), self.layout)

    def through_tokens(self, features_TC: AnyArray) -> AnyArray:
        """The features encoded and decoded again."""
        model = self.generator.model
        return self._decoded(model.encode(model.normalise(features_TC)))

    def _decoded(self, tokens_LP: IntArray) -> AnyArray:
        model = self.generator.model
        return model.denormalise(model.decode(tokens_LP))
