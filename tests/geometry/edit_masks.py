"""Hypothesis strategies for masks: spans anywhere, every body part, holds or none."""

from __future__ import annotations

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from mmm_blender.geometry.editing.edit_mask import PART_JOINTS, BodyPart, EditMask, span_mask
from mmm_blender.geometry.skeleton import ANIMATED_JOINTS

PARTS: tuple[BodyPart, ...] = ("all", "lower", "upper")


@st.composite
def spans(draw: st.DrawFn, frames: int) -> tuple[int, int]:
    """A span that leaves at least one frame of ``frames``: prefix, suffix or inside."""
    start = draw(st.integers(0, frames - 1))
    stop = draw(st.integers(start + 1, frames))
    assume(stop - start < frames)
    return start, stop


@st.composite
def masks(draw: st.DrawFn, frames: int) -> EditMask:
    """A span of a body part with up to one held cell in four."""
    start, stop = draw(spans(frames))
    part = draw(st.sampled_from(PARTS))
    share = draw(st.sampled_from([0.0, 0.02, 0.25]))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    held_TJ = rng.random((frames, ANIMATED_JOINTS)) < share
    assume(not held_TJ[start:stop, PART_JOINTS[part]].all())
    return span_mask(frames, start, stop, part, held_TJ)
