"""How well a tokenizer keeps motion: figures on forward kinematics of exported rotations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ...common.arrays import FloatArray
from ...geometry.clip import MotionClip
from ...geometry.feet.contacts import CONTACT_JOINTS, foot_contacts, joint_speeds
from ...geometry.kinematics import clip_joints
from ...geometry.rotations import quat_angle
from ...motion.features.smpl import decode_features
from ...motion.networks.tokenizer import Tokenizer
from ..data.dataset import Example

_DRIFT_SECONDS = 5.0


def reconstruct(tokenizer: Tokenizer, features_TC: FloatArray) -> FloatArray:
    """Features (T, C) through the tokens and back, T cut to whole tokens."""
    whole = (
        len(features_TC) // tokenizer.config.frames_per_token * tokenizer.config.frames_per_token
    )
    given = torch.from_numpy(features_TC[None, :whole].astype(np.float32))
    with torch.inference_mode():
        made = tokenizer.decode(tokenizer.encode(tokenizer.normalise(given)))
        return tokenizer.denormalise(made)[0].double().numpy()


def clip_figures(real: MotionClip, made: MotionClip) -> dict[str, float]:
    """One pair of clips of equal length; see the names for units."""
    real_joints, made_joints = clip_joints(real), clip_joints(made)
    relative = [joints - joints[:, :1] for joints in (real_joints, made_joints)]
    drift = np.linalg.norm((made.root_T3 - real.root_T3)[:, [0, 2]], axis=-1)
    at = min(made.frames, round(_DRIFT_SECONDS * made.fps)) - 1
    contacts = foot_contacts(real_joints, real.fps)
    figures = {
        "joint error, mm": 1000 * float(np.linalg.norm(relative[1] - relative[0], axis=-1).mean()),
        "rotation error, degrees": float(
            np.degrees(quat_angle(made.rotations_TJ4, real.rotations_TJ4)).mean()
        ),
        "root drift over 5 s, cm": 100 * float(drift[at]),
    }
    if contacts.any():
        for name, joints in (("real", real_joints), ("made", made_joints)):
            speeds = joint_speeds(joints[:, CONTACT_JOINTS] * [1, 0, 1], real.fps)
            figures[f"foot slide {name}, cm/s"] = 100 * float(speeds[contacts].mean())
    return figures


def tokenizer_figures(tokenizer: Tokenizer, examples: Sequence[Example]) -> dict[str, float]:
    """Means over clips."""
    tokenizer.eval()
    rows: list[dict[str, float]] = []
    for example in examples:
        made = reconstruct(tokenizer, example.features_TC)
        real = example.features_TC[: len(made)].astype(np.float64)
        rows.append(clip_figures(decode_features(real), decode_features(made)))
    names = max(rows, key=len)
    return {n: round(float(np.mean([row[n] for row in rows if n in row])), 3) for n in names}
