"""The panel Takes: what was made, to be looked at, kept or thrown away."""

from __future__ import annotations

from typing import Any

from ..addon.scene_settings import scene_settings
from ..addon.shown_target import shown_character
from ..bpy_types import Context, bpy
from ..fcurves.layered_actions import assigned_action
from ..widgets import ORDER, TAB, Layout, draw_wrapped, in_language, shown
from .take_list import listed_takes

_SEED_SHARE = 0.22
_PROMPT_SHARE = 0.68
"""Of a row's width, and of what is left of it."""
_SLIDING_CMPS = 8.0
"""Feet that slide faster are seen to, cm/s."""
_JUMPING = 1.5
"""A seam that is sharper than the motion elsewhere by this factor is seen."""
_ROWS = 4


class MMM_UL_takes(bpy.types.UIList):  # noqa: N801  # Blender asks for this form of a name
    """Takes, oldest first; the last press is marked."""

    bl_idname = "MMM_UL_takes"

    def draw_item(  # Blender's own signature
        self,
        _context: Context,
        layout: Layout,
        data: Any,
        take: Any,
        _icon: int,
        _active_data: Any,
        _active_property: str,
        _index: int = 0,
    ) -> None:
        """Seed, prompt, and how much the feet slide."""
        if take.action is None:
            layout.label(text="(deleted)", icon="ERROR")
            return
        plays = take.action == assigned_action(data.id_data)
        row = layout.split(factor=_SEED_SHARE, align=True)
        row.label(text=str(take.seed), icon="PLAY" if plays else "DOT")
        row = row.split(factor=_PROMPT_SHARE, align=True)
        row.active = take.batch == data.batches
        row.label(text=shown(take.prompt or take.action.name))
        row.label(text=_slide(take))


class TakesPanel(bpy.types.Panel):
    """In the 3D view."""

    bl_idname = "MMM_PT_takes"
    bl_label = "Takes"
    bl_order = ORDER["takes"]
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Where there is something to choose from."""
        found = listed_takes(shown_character(context))
        return found is not None and len(found.takes) > 0

    def draw(self, context: Context) -> None:
        """The list, and what can be done with the chosen one."""
        layout, found = self.layout, listed_takes(shown_character(context))
        if found is None:
            return
        layout.template_list("MMM_UL_takes", "", found, "takes", found, "active", rows=_ROWS)
        row = layout.row(align=True)
        row.operator("mmm.keep_take", icon="CHECKMARK")
        row.operator("mmm.discard_take", icon="TRASH")
        if 0 <= found.active < len(found.takes):
            _draw_details(layout, context, found.takes[found.active])
        settings = scene_settings(context.scene)
        row = layout.row(align=True)
        row.prop(settings, "play_takes", toggle=True)
        row.prop(settings, "show_ghosts", toggle=True)
        layout.prop(settings, "kept_takes")


def _draw_details(layout: Layout, context: Context, take: Any) -> None:
    """What it is, and what one may want to do about it."""
    box = layout.box()
    if take.prompt:
        draw_wrapped(box, context, f"\u201c{take.prompt}\u201d")
    box.label(text=in_language("Seed {seed}, made {when}", seed=take.seed, when=take.made))
    for text in advice(take):
        draw_wrapped(box, context, text, icon="INFO")
    box.operator("mmm.use_take_settings", icon="COPYDOWN")


def advice(take: Any) -> list[str]:
    """What the figures of a take mean, in sentences."""
    slide = _slide(take)
    sentences = [in_language("Feet slide {speed}.", speed=slide)] if slide else []
    if take.slide > _SLIDING_CMPS:
        sentences = [
            in_language("Feet slide {speed}: try another take, or turn Pin Feet on.", speed=slide)
        ]
    if take.seam > _JUMPING:
        sentences.append(in_language("It jumps at a seam: choose a longer range."))
    if take.arrival > _SLIDING_CMPS:
        speed = f"{take.arrival:.0f}"
        sentences.append(
            in_language(
                "The body is led by {speed} cm/s to arrive: choose a longer range.", speed=speed
            )
        )
    return sentences


def _slide(take: Any) -> str:
    return f"{take.slide:.0f} cm/s" if take.slide >= 0.0 else ""


_CLASSES = (MMM_UL_takes, TakesPanel)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
