"""What is measured of every clip of a data set, and which clips pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..common.arrays import AnyArray
from ..geometry.clip import MotionClip
from ..geometry.conventions import MODEL_FPS
from ..geometry.resample import resample
from ..motion.features.smpl import encode_clip
from ..training.data.motion_file import load_motions
from ..training.evaluation import motion_figures
from ..training.evaluation.copying import nearest_distances, query_of

if TYPE_CHECKING:
    from ..training.evaluation.evaluator import Evaluator

_EYE = {
    motion_figures.SLIDE: "foot_slide_cm_s",
    motion_figures.BELOW: "feet_below_floor_cm",
    motion_figures.CONTACT: "frames_in_contact_pct",
    motion_figures.LIMITS: "frames_beyond_limits_pct",
    motion_figures.JERK: "jerk_m_s3",
}
_SIMILARITY, _COPY = "text_similarity", "copy_distance_mm"


@dataclass(frozen=True)
class Filters:
    """What a clip has to reach to be stored; None: whatever it has.

    max_foot_slide: mean speed of feet that stand, cm/s; a clip whose feet never stand passes.
    min_similarity: cosine between the prompt and the motion as the evaluator sees them, -1..1.
    min_copy_distance: to the nearest two seconds of the training set, mirrored or not, mm; a clip
    of less than two seconds passes.
    """

    max_foot_slide: float | None = None
    min_similarity: float | None = None
    min_copy_distance: float | None = None

    @property
    def asked(self) -> dict[str, float]:
        """Those that are set."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def reason(self, figures: Mapping[str, float]) -> str:
        """Why a clip with these figures does not pass; "" where it does."""
        slide, similarity = figures.get("foot_slide_cm_s"), figures.get(_SIMILARITY)
        copy = figures.get(_COPY)
        if self.max_foot_slide is not None and slide is not None and slide > self.max_foot_slide:
            return f"its feet slide by {slide:.2f} cm/s, more than {self.max_foot_slide:g}"
        if self.min_similarity is not None and (similarity or 0.0) < self.min_similarity:
            return f"it is like its prompt by {similarity:.3f}, less than {self.min_similarity:g}"
        least = self.min_copy_distance
        if least is not None and copy is not None and copy < least:
            return f"it lies {copy:.1f} mm from a training clip, less than {least:g}"
        return ""


class Measure:
    """Measures clips. evaluator: the folder of the judge of prompts, None: prompts are not judged.
    training_set: a file of ``tools/prepare_motions.py``, None: copies are not looked for."""

    def __init__(self, evaluator: Path | None, training_set: Path | None) -> None:
        self._evaluator = _judge_in(evaluator) if evaluator else None
        self._known: list[AnyArray] = []
        if training_set:
            self._known = [encode_clip(clip) for clip in load_motions(training_set)[1]]

    def figures(
        self, prompts: Sequence[str], clips: Sequence[MotionClip]
    ) -> list[dict[str, float]]:
        """The figures of each clip, by their names in a shard."""
        rows = [_seen(clip) for clip in clips]
        if not clips:
            return rows
        known_rate = [resample(clip, MODEL_FPS) for clip in clips]
        self._judge_texts(rows, prompts, known_rate)
        self._judge_copies(rows, known_rate)
        return rows

    def _judge_texts(
        self, rows: list[dict[str, float]], prompts: Sequence[str], clips: Sequence[MotionClip]
    ) -> None:
        if self._evaluator is None:
            return
        texts_NE = self._evaluator.embed_text(prompts)
        motions_NE = self._evaluator.embed_motion(clips)
        for row, cosine in zip(rows, np.sum(texts_NE * motions_NE, axis=1), strict=True):
            row[_SIMILARITY] = float(cosine)

    def _judge_copies(self, rows: list[dict[str, float]], clips: Sequence[MotionClip]) -> None:
        asked = [(row, query_of(clip)) for row, clip in zip(rows, clips, strict=True)]
        long = [(row, query) for row, query in asked if query is not None]
        if not self._known or not long:
            return
        distances = nearest_distances([query for _, query in long], self._known)
        for (row, _), distance in zip(long, distances, strict=True):
            row[_COPY] = float(distance)


def _judge_in(folder: Path) -> Evaluator:
    from ..training.evaluation.evaluator import load_evaluator  # noqa: PLC0415  # needs torch

    return load_evaluator(folder)


def _seen(clip: MotionClip) -> dict[str, float]:
    figures = motion_figures.clip_figures(clip)
    return {column: figures[name] for name, column in _EYE.items() if name in figures}
