"""The steps of tools/evaluate.py about sentences: two deeds, steps, standing, waves over a walk."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from tqdm import tqdm

from ...geometry.clip import MotionClip
from ...geometry.deeds.judges import DEEDS, Seen
from ...geometry.editing.edit_mask import span_mask
from ...motion.config import SamplerConfig
from ...motion.pipeline.edit import EditRequest, EditResult
from ...motion.pipeline.pipeline import GenerateRequest, GenerateResult, MotionPipeline
from ..data.captions import caption
from ..data.clip_kinds import is_locomotion
from ..data.labels import label_of
from ..data.motion_file import ClipRecord
from .goals import ratio
from .hand_speed import raised_hand_speed
from .judging import MakesMotion, generate_all
from .sentences import SENTENCES, Ask

GESTURE_LABELS = {"left": "wave-left-hand", "right": "wave-right-hand", "both": "wave-both-hands"}
WAVE_PROMPTS = {
    "left": "a person waves with the left hand",
    "right": "a person waves with the right hand",
    "both": "a person waves with both hands",
}
"""Prompts of one gesture, by the hands that are to be seen."""

UPPER_SPAN = (1.0, 4.0)
"""Seconds of a captured walk of which the upper body is regenerated."""

Rows = dict[str, dict[str, float]]


class MakesAndEdits(MakesMotion, Protocol):
    """A generator that edits too."""

    def edit(self, request: EditRequest) -> EditResult:
        """A part of a motion regenerated."""
        ...


@dataclass(frozen=True, eq=False)
class OneTry:
    """A bundle whose first motion is taken as it is, whatever its prompt claims."""

    pipeline: MotionPipeline

    def generate_batch(self, requests: Sequence[GenerateRequest]) -> list[GenerateResult]:
        """One result for each request, in order."""
        return self.pipeline.generate_batch(
            [replace(each, sampler=self._once) for each in requests]
        )

    def edit(self, request: EditRequest) -> EditResult:
        """A part of a motion regenerated."""
        return self.pipeline.edit(replace(request, sampler=self._once))

    @property
    def _once(self) -> SamplerConfig:
        return replace(self.pipeline.config.sampler, claim_tries=1)


def sentence_figures(generator: MakesMotion, seeds: int) -> Rows:
    """Share obeyed of every kind of sentence, and of each sentence of it."""
    return {
        name: _shares(generator, asks, seeds, name.replace("'", ""))
        for name, asks in SENTENCES.items()
    }


ALL = "all"
"""The mean over a row's prompts."""


def _shares(generator: MakesMotion, asks: Sequence[Ask], seeds: int, name: str) -> dict[str, float]:
    requests = [GenerateRequest(a.prompt, a.seconds, seed) for a in asks for seed in range(seeds)]
    clips = generate_all(generator, requests, name)
    obeyed = np.array(
        [
            ask.obeyed(clips[number * seeds + seed])
            for number, ask in enumerate(asks)
            for seed in range(seeds)
        ]
    ).reshape(len(asks), seeds)
    each = {ask.prompt: float(row.mean()) for ask, row in zip(asks, obeyed, strict=True)}
    return {ALL: float(obeyed.mean())} | each


def walks_of(
    records: Sequence[ClipRecord], clips: Sequence[MotionClip], count: int
) -> list[MotionClip]:
    """Captured walks and runs whose hands stay low, long enough for an edit inside."""
    least = round((UPPER_SPAN[1] + 0.5) * 20)
    fitting = [
        clip
        for record, clip in zip(records, clips, strict=True)
        if is_locomotion(record) and clip.frames >= least and _hands_low(clip)
    ]
    return fitting[:count]


def _hands_low(clip: MotionClip) -> bool:
    seen = Seen.of(clip)
    return not any(deed.shown(seen) for name, deed in DEEDS.items() if name.startswith("raise"))


def upper_figures(
    generator: MakesAndEdits, walks: Sequence[MotionClip], seeds: int
) -> dict[str, float]:
    """Share of captured walks whose upper body waves where a wave is asked for there, by hand."""
    figures: dict[str, float] = {}
    with tqdm(total=3 * seeds, desc="waves over walks", mininterval=5) as bar:
        for hands, prompt in WAVE_PROMPTS.items():
            shown: list[bool] = []
            for seed in range(seeds if walks else 0):
                bar.update()
                shown.append(_waves_over(generator, walks[seed % len(walks)], hands, prompt, seed))
            if shown:
                figures[hands] = float(np.mean(shown))
    return figures


def _waves_over(
    generator: MakesAndEdits, walk: MotionClip, hands: str, prompt: str, seed: int
) -> bool:
    start, stop = (round(seconds * walk.fps) for seconds in UPPER_SPAN)
    mask = span_mask(walk.frames, start, stop, "upper")
    made = generator.edit(EditRequest(walk, mask, prompt, seed)).clip
    return DEEDS[f"wave {hands}"].shown(Seen.of(made.slice(start, stop)))


def wave_speed_figures(
    generator: MakesMotion, records: Sequence[ClipRecord], clips: Sequence[MotionClip], count: int
) -> dict[str, float]:
    """Mean speed of waving hands while they are up, m/s: of captured waves, of what is made for
    their captions, and the ratio."""
    labels = set(GESTURE_LABELS.values())
    pairs = zip(records, clips, strict=True)
    waves = [(record, clip) for record, clip in pairs if label_of(record)[0] in labels][:count]
    if not waves:
        return {}
    requests = [
        GenerateRequest(caption(record, random.Random(at)), clip.seconds, at)
        for at, (record, clip) in enumerate(waves)
    ]
    made, captured = (
        float(np.mean([raised_hand_speed(clip) for clip in shown]))
        for shown in (generate_all(generator, requests, "waves"), [clip for _, clip in waves])
    )
    return {"generated": made, "captured": captured, "ratio": ratio(made, captured)}
