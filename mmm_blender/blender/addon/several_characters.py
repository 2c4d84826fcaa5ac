"""Operators that make motion for all selected characters, and what the panels say of that."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from typing import Any

from ...common.errors import MMMError
from ..bpy_types import Context, bpy
from ..jobs.job_queue import JobQueue, Start, Waiting, active, failing
from ..jobs.scene_job import SceneJob
from ..jobs.session import session
from ..rig.target import DataBlockRef, selected_characters
from ..widgets import Layout, draw_wrapped
from .scene_settings import (
    CHARACTER_ITEMS,
    LARGEST_SEED,
    SELECTED,
    given_or_scene,
    scene_settings,
)
from .shown_target import shown_names


class ForCharacters:
    """Base of such operators, before ``JobOperator``. They say what starts a job by what is asked
    for now."""

    characters: bpy.props.EnumProperty(
        name="Characters",
        description="Who gets a motion where several are selected; the scene's choice if not given",
        items=CHARACTER_ITEMS,
    )

    properties: Any

    def starter(self, context: Context, number: int) -> Start:
        """Read all that is asked for, of the active character; what starts its job with it.
        number: which of several it is, from 0. Raises MMMError."""
        raise NotImplementedError

    def start(self, context: Context) -> SceneJob:
        """For the active character alone."""
        return self.starter(context, 0)(context)

    def begin(self, context: Context) -> SceneJob:
        """For all that are meant."""
        rigs = selected_characters(context) if self.means_all(context) else []
        if len(rigs) < 2:
            return self.start(context)
        waiting: list[Waiting] = []
        for number, rig in enumerate(rigs):
            ref = DataBlockRef.of(rig)
            try:
                with active(context, rig):
                    waiting.append(Waiting(ref, self.starter(context, number)))
            except MMMError as error:
                waiting.append(Waiting(ref, failing(error)))
        return JobQueue(context, session, waiting)

    def means_all(self, context: Context) -> bool:
        """Every selected character is meant."""
        return str(given_or_scene(self, context, ("characters",))["characters"]) == SELECTED


def seed_of(seed: int, takes: int, number: int) -> int:
    """The seed of a character's first take; number: which of several it is, from 0."""
    if not 0 <= seed <= LARGEST_SEED:  # the worker says what is wrong with it
        return seed
    return (seed + number * max(takes, 1)) % (LARGEST_SEED + 1)


def draw_characters(layout: Layout, context: Context) -> bool:
    """Who is meant, where several are selected. True where it is all of them."""
    names = shown_names(context)
    if len(names) < 2:
        return False
    settings = scene_settings(context.scene)
    layout.row(align=True).prop(settings, "characters", expand=True)
    if str(settings.characters) != SELECTED:
        return False
    draw_wrapped(layout, context, f"{len(names)} characters: {', '.join(names)}", icon="COMMUNITY")
    return True
