"""MotionClip: what a prompt and a mask become, and what Blender writes as keys."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..common.arrays import FloatArray
from .conventions import MODEL_FPS
from .skeleton import ANIMATED_JOINTS, MIRROR


@dataclass(frozen=True, eq=False)
class MotionClip:
    """A motion of the SMPL skeleton, independent of its proportions.

    rotations_TJ4: (T, 22, 4) rotation of every joint relative to its parent, quaternions w
    first, rest pose = identity (T-pose); joint 0 is the pelvis in model space.
    root_T3: (T, 3) position of the pelvis joint, metres, model space (Y up).
    fps: samples per second. twist_estimated: rotations were fitted to joint positions, so the
    rotation about each bone is a guess.

    Raises ValueError for other shapes, no frames, a rate that is not positive, or values that
    are not finite.
    """

    rotations_TJ4: FloatArray
    root_T3: FloatArray
    fps: float = MODEL_FPS
    twist_estimated: bool = False

    def __post_init__(self) -> None:
        frames = len(self.root_T3)
        if self.rotations_TJ4.shape != (frames, ANIMATED_JOINTS, 4) or self.root_T3.shape != (
            frames,
            3,
        ):
            raise ValueError(
                f"a clip needs (T, {ANIMATED_JOINTS}, 4) rotations and (T, 3) root positions, "
                f"not {self.rotations_TJ4.shape} and {self.root_T3.shape}"
            )
        if frames == 0 or not self.fps > 0:
            raise ValueError("a clip needs at least one frame and a positive frame rate")
        if not (np.isfinite(self.rotations_TJ4).all() and np.isfinite(self.root_T3).all()):
            raise ValueError("a clip holds a value that is not a finite number")

    @property
    def frames(self) -> int:
        """Number of samples T."""
        return len(self.root_T3)

    @property
    def seconds(self) -> float:
        """Duration on screen: each sample is shown for 1 / fps."""
        return self.frames / self.fps

    def slice(self, start: int, stop: int) -> MotionClip:
        """Frames ``start`` to ``stop`` (exclusive), where they are."""
        return self.replace(
            rotations_TJ4=self.rotations_TJ4[start:stop], root_T3=self.root_T3[start:stop]
        )

    def replace(self, **changes: object) -> MotionClip:
        """A copy with some fields changed."""
        return replace(self, **changes)  # pyright: ignore[reportArgumentType]  # checked by fields

    def mirrored(self) -> MotionClip:
        """The same motion seen in a mirror: left and right change places (X is negated)."""
        rotations = self.rotations_TJ4[:, MIRROR] * np.array([1.0, 1.0, -1.0, -1.0])
        return self.replace(
            rotations_TJ4=rotations, root_T3=self.root_T3 * np.array([-1.0, 1.0, 1.0])
        )
