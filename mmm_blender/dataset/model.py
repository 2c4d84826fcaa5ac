"""The bundle of an actor: the one place where a data set meets the pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..motion.pipeline.pipeline import GenerateRequest, GenerateResult, MotionPipeline
from .wanted import WantedClip


class Model:
    """A loaded bundle. columns: of its token grid. MMMError says what is wrong with it."""

    def __init__(self, bundle: Path, device: str, threads: int) -> None:
        self._pipeline = MotionPipeline.load(bundle, device, threads=threads)
        self.bundle_hash = self._pipeline.bundle.hash
        self.columns = len(self._pipeline.model.columns)

    def generate(
        self, clips: Sequence[WantedClip], fps: float, pin_feet: bool
    ) -> list[GenerateResult]:
        """Clips in one batch. MMMError for what the model cannot make."""
        return self._pipeline.generate_batch(
            [
                GenerateRequest(clip.prompt, clip.seconds, clip.seed, fps=fps, pin_feet=pin_feet)
                for clip in clips
            ]
        )
