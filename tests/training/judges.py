"""A small made-up test set and a judge with random weights."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from string import ascii_lowercase

import numpy as np
import torch

from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.rotations import axis_angle_quat
from mmm_blender.motion.config import SamplerConfig
from mmm_blender.motion.networks.text.student import (
    StudentConfig,
    StudentTextEncoder,
    StudentTextModel,
)
from mmm_blender.motion.pipeline.pipeline import GenerateRequest, GenerateResult
from mmm_blender.motion.text.wordpiece import WordPieceTokenizer
from mmm_blender.training.data.measured import measure
from mmm_blender.training.data.motion_file import ClipRecord
from mmm_blender.training.evaluation.evaluator import Evaluator, EvaluatorConfig, EvaluatorModel
from tests.training.synthetic import walk_on_the_spot

CONTENTS = ("walk", "run", "bow", "raise-up-left-hand", "wave-both-hands", "dash")
STYLES = ("normal", "elderly", "happy", "sad", "angry", "giant", "proud")
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *ascii_lowercase]
VOCABULARY.extend(f"##{letter}" for letter in ascii_lowercase)
CONFIG = EvaluatorConfig(
    width=16, layers=1, heads=2, mlp_width=16, text_features=8, text_width=8, embedding=6
)


def clip(seed: int, frames: int = 48) -> MotionClip:
    """The walk with other arms for every seed."""
    base = walk_on_the_spot(frames)
    rotations = base.rotations_TJ4.copy()
    swing = np.random.default_rng(seed).normal(size=2)
    angles = swing[0] + 0.3 * np.sin(swing[1] * np.arange(frames) / 4)
    rotations[:, 16] = axis_angle_quat(np.array([0.0, 0.0, 1.0]), angles)
    return base.replace(rotations_TJ4=rotations)


def record(at: int, content: str, style: str, motion: MotionClip) -> ClipRecord:
    name = f"{content}-{style}-{at}"
    return ClipRecord(name, name, "bandai", content, style, "", motion.frames, measure(motion))


@cache
def material() -> tuple[list[ClipRecord], list[MotionClip]]:
    """Two clips of each of 42 labels."""
    pairs = [(c, s) for c in CONTENTS for s in STYLES for _ in range(2)]
    clips = [clip(at, 32 + 4 * (at % 5)) for at in range(len(pairs))]
    records = [record(at, c, s, clips[at]) for at, (c, s) in enumerate(pairs)]
    return records, clips


@cache
def judge() -> Evaluator:
    torch.manual_seed(0)
    student = StudentConfig(
        len(VOCABULARY), rank=4, inner_width=8, layers=1, heads=2, mlp_width=8, width=8
    )
    encoder = StudentTextEncoder(StudentTextModel(student), WordPieceTokenizer(VOCABULARY), "cpu")
    model = EvaluatorModel(CONFIG)
    model.set_statistics(np.zeros(CONFIG.channels), np.ones(CONFIG.channels))
    return Evaluator(model, encoder, frozenset())


class Actor:
    """Stands for a generator: a clip that depends on the prompt and the seed."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def generate_batch(self, requests: Sequence[GenerateRequest]) -> list[GenerateResult]:
        self.batches.append(len(requests))
        return [
            GenerateResult(
                clip(len(request.prompt) + request.seed, round(request.seconds * 20)),
                np.zeros((1, 2), dtype=np.int64),
                SamplerConfig(),
                request.seed,
            )
            for request in requests
        ]
