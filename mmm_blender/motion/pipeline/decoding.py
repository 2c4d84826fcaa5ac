"""The one way from tokens to a clip: decoded, at the wanted rate, feet in place.

L token places, P columns of the grid, T frames, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...common.arrays import BoolArray, FloatArray, IntArray
from ...geometry.clip import MotionClip
from ...geometry.feet.foot_locking import PinFault, pin_feet
from ...geometry.resample import lengthened, resample
from ..features import decode_to_clip, encode_from_clip
from ..motion_model import MotionModel

_SIDES = ("left", "right")


def decode_tokens(model: MotionModel, tokens_LP: IntArray, frames: int | None = None) -> MotionClip:
    """A clip at the layout's rate, cut to ``frames``; it starts over the origin, facing +Z."""
    features_TC = model.denormalise(model.decode(tokens_LP))[:frames]
    return decode_to_clip(features_TC, model.tokenizer_config.feature_layout)


def clip_features(model: MotionModel, clip: MotionClip, places: int) -> FloatArray:
    """Features (T, C), not normalised, of as many frames as the places have, of a clip at any rate;
    it goes on as it ends if too short."""
    config = model.tokenizer_config
    frames = places * config.frames_per_token
    # one frame more: some layouts tell of each frame the step to the next
    moving = lengthened(resample(clip, config.feature_layout.fps), frames + 1)
    return encode_from_clip(moving, config.feature_layout)[:frames]


def encode_tokens(model: MotionModel, clip: MotionClip, places: int) -> IntArray:
    """The tokens (L, P) of a clip at any rate; it goes on as it ends if too short."""
    return model.encode(model.normalise(clip_features(model, clip, places)))


def finished(
    clip: MotionClip, fps: float, pin: bool, frames: int | None = None
) -> tuple[MotionClip, tuple[str, ...]]:
    """The clip at ``fps`` (0: its), cut to ``frames``, feet pinned; what failed, in sentences."""
    wanted = resample(clip, fps or clip.fps)
    wanted = wanted if frames is None else wanted.slice(0, frames)
    return pinned(wanted, None) if pin else (wanted, ())


def pinned(
    clip: MotionClip, free_T: BoolArray | None, contacts_TSC: BoolArray | None = None
) -> tuple[MotionClip, tuple[str, ...]]:
    """The clip with its feet pinned in the frames that are free (None: all); what failed.

    contacts_TSC: when the feet stand there (see ``pin_feet``).
    """
    result = pin_feet(clip, free_T, contacts_TSC)
    worst = {side: _slip(result.unmet, side) for side in _SIDES}
    return result.clip, tuple(
        f"The {side} foot slides by up to {100.0 * slip:.0f} cm where it should stand, because its "
        "place is beyond reach or the motion on both sides puts it elsewhere: look at it there, or "
        "choose another range."
        for side, slip in worst.items()
        if slip
    )


def _slip(faults: Sequence[PinFault], side: str) -> float:
    """The largest fault of a foot, metres; 0 where it has none."""
    return max((fault.metres for fault in faults if fault.joint.startswith(side)), default=0.0)
