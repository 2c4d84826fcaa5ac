"""A prompt that one clip cannot hold is made as a sequence, by whoever can make one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from ...common.errors import MMMError
from ...prompts.sequence_plan import Part
from ..addon.bundle_choice import chosen_bundle
from ..addon.known_prompts import prompt_parts
from ..bpy_types import Context
from ..jobs.scene_job import SceneJob
from .task import GenerateParams, start_generation

SequenceStarter: TypeAlias = Callable[[Context, tuple[Part, ...], GenerateParams], SceneJob]
"""Starts a sequence of these parts with the other params of the prompt."""


@dataclass
class SequenceHook:
    """The feature ``sequence`` stands above this one, and puts its starter here."""

    start: SequenceStarter | None = None


sequence_hook = SequenceHook()


def start_prompt(context: Context, params: GenerateParams) -> SceneJob:
    """One clip, or the sequence that the prompt needs. Raises MMMError, with nothing changed."""
    card = chosen_bundle(context.scene, params.bundle)
    parts = prompt_parts(card, params.prompt, params.seconds)
    if parts and params.loop:
        raise MMMError("A loop has one motion: ask for one part of the prompt, or turn Loop off.")
    if parts and sequence_hook.start is not None:
        return sequence_hook.start(context, parts, params)
    return start_generation(context, params)
