"""What the figures of a data set's filters are for the starter weights: where to put a limit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mmm_blender.dataset.figures import Measure
from mmm_blender.dataset.model import Model
from mmm_blender.dataset.wanted import WantedClip
from mmm_blender.training.data.motion_facts import PROMPTS

_SECONDS = 4.0
_WORDINGS = 2  # of each of the prompts
_ELSEWHERE = 37  # rows further on: a prompt of another kind
_BATCH = 10
PERCENTILES = (5, 50, 95)


def limits(bundle: Path, evaluator: Path, clips: int) -> dict[str, Any]:
    """Percentiles of the likeness of motions to their own and to other prompts and of foot slide,
    and how many clips have other tokens when ten share a batch."""
    prompts = [wording for wordings in PROMPTS.values() for wording in wordings[:_WORDINGS]]
    rows = [
        WantedClip(line, f"clip{line}", prompts[line % len(prompts)], _SECONDS, line)
        for line in range(clips)
    ]
    model, measure = Model(bundle, "cpu", 1), Measure(evaluator, None)
    alone = [model.generate([row], 0.0, True)[0] for row in rows]
    starts = range(0, clips, _BATCH)
    shared = [made for at in starts for made in model.generate(rows[at : at + _BATCH], 0.0, True)]
    pairs = zip(alone, shared, strict=True)
    asked = [row.prompt for row in rows]
    motions = [made.clip for made in alone]
    own = measure.figures(asked, motions)
    others = measure.figures(np.roll(asked, _ELSEWHERE).tolist(), motions)
    return {
        "clips": clips,
        "own": _percentiles([row["text_similarity"] for row in own]),
        "other": _percentiles([row["text_similarity"] for row in others]),
        "slide": _percentiles([row.get("foot_slide_cm_s", 0.0) for row in own]),
        "differ": sum(not np.array_equal(a.tokens_LP, b.tokens_LP) for a, b in pairs),
    }


def _percentiles(values: list[float]) -> list[float]:
    return [round(float(each), 3) for each in np.percentile(values, PERCENTILES)]
