"""Feature vectors: named layouts, and clips from them."""

from __future__ import annotations

from ...common.arrays import FloatArray
from ...geometry.clip import MotionClip
from . import humanml3d, smpl
from .layout import FeatureLayout

__all__ = ["decode_to_clip", "encode_from_clip"]


def decode_to_clip(features_TC: FloatArray, layout: FeatureLayout) -> MotionClip:
    """Denormalised features (T, C) to a clip at the layout's rate.

    True rotations are read off; otherwise joints are placed and the pose is fitted to them, and
    the clip says that its twist is estimated.
    """
    if layout.true_rotations:
        return smpl.decode_features(features_TC)
    return humanml3d.decode_clip(features_TC, layout)


def encode_from_clip(clip: MotionClip, layout: FeatureLayout) -> FloatArray:
    """A clip at the layout's rate to features (T or T - 1, C), not normalised."""
    if layout.true_rotations:
        return smpl.encode_clip(clip)
    return humanml3d.encode_clip(clip, layout)
