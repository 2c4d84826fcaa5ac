"""Clips that rigs are evaluated with."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.resample import resample

FPS = 24.0
PROMPTS = (
    "a person walks forward",
    "a person walks in a circle",
    "a person runs forward",
    "a person waves with the right hand",
    "a person does squats",
    "a person kicks with the right leg",
)
_SECONDS = 5.0


def generated_clips(bundle: Path) -> dict[str, MotionClip]:
    """A clip of each prompt."""
    from mmm_blender.motion.pipeline.pipeline import (  # noqa: PLC0415  # torch, only if needed
        GenerateRequest,
        MotionPipeline,
    )

    pipeline = MotionPipeline.load(bundle)
    return {
        prompt: resample(pipeline.generate(GenerateRequest(prompt, _SECONDS, seed=1)).clip, FPS)
        for prompt in PROMPTS
    }


def stored_clips(folder: Path) -> dict[str, MotionClip]:
    """Clips of a folder's .npz files."""
    clips: dict[str, MotionClip] = {}
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as file:
            clip = MotionClip(file["rotations_TJ4"], file["root_T3"], float(file["fps"]))
        clips[path.stem] = resample(clip, FPS)
    return clips
