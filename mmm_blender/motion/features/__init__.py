"""Feature vectors: named layouts, and clips from them."""

from __future__ import annotations

from ...geometry.clip import MotionClip
from ...geometry.conventions import FloatArray
from ...geometry.kinematics import clip_joints
from .layout import FeatureLayout
from .smpl import decode_features, encode_clip

__all__ = ["decode_to_clip", "encode_from_clip"]


def decode_to_clip(features_TC: FloatArray, layout: FeatureLayout) -> MotionClip:
    """Denormalised features (T, C) to a clip at the layout's rate.

    True rotations are read off; otherwise joints are placed and the pose is fitted to them, and
    the clip says that its twist is estimated.
    """
    if layout.true_rotations:
        return decode_features(features_TC)
    from ...geometry.fitting import fit_pose
    from .humanml3d import decode_positions

    return fit_pose(decode_positions(features_TC, layout), fps=layout.fps)


def encode_from_clip(clip: MotionClip, layout: FeatureLayout) -> FloatArray:
    """A clip at the layout's rate to features (T or T - 1, C), not normalised."""
    if layout.true_rotations:
        return encode_clip(clip)
    from .humanml3d import encode_positions

    return encode_positions(clip_joints(clip)[:, : layout.joints], layout)
