"""A sequence from one prompt of several parts, as Generate Motion asks for it."""

from __future__ import annotations

from ...prompts.sequence_plan import Part
from ..addon.scene_settings import LARGEST_SEED
from ..bpy_types import Context
from ..generate.long_prompts import sequence_hook
from ..generate.task import GenerateParams
from ..jobs.scene_job import SceneJob
from .properties import SegmentParams
from .task import SequenceParams, start_sequence


def start_parts(context: Context, parts: tuple[Part, ...], params: GenerateParams) -> SceneJob:
    """Seeds count up from the prompt's own, so that another seed is another motion throughout."""
    segments = tuple(
        SegmentParams(part.prompt, part.seconds, (params.seed + number) % (LARGEST_SEED + 1))
        for number, part in enumerate(parts)
    )
    sequence = SequenceParams(
        segments,
        params.pin_feet,
        params.bundle,
        params.targets,
        params.takes,
        params.tolerance,
        params.claim_tries,
    )
    return start_sequence(context, sequence)


def register() -> None:
    """Make sequences for Generate Motion from now on."""
    sequence_hook.start = start_parts


def unregister() -> None:
    """No longer."""
    sequence_hook.start = None
