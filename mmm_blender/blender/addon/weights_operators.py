"""Weights from inside Blender: add, remove, and the licence before their first use."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

import json
from pathlib import Path
from typing import ClassVar

from ...common.errors import MMMError
from ..bpy_types import Context, Event, bpy
from ..guards import one_sentence
from ..jobs import motion_operator
from ..jobs.session import session
from ..widgets import can_run, redraw, shown
from .availability import busy_poll_error
from .bundle_cards import BundleCard
from .bundle_library import add_bundle, remove_bundle
from .choices import absolute_path, choices
from .disk_facts import bundle_cards
from .licence_notice import asks_first, draw_terms, remember
from .ui_state import ui_state

_DIALOG_WIDTH = 420


class AddWeights(bpy.types.Operator):
    """Add weights from their folder or a zip; the files are checked and copied"""

    bl_idname = "mmm.add_weights"
    bl_label = "Add"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    filepath: bpy.props.StringProperty(
        name="Weights",
        description="A zip, or the config.json in a folder of weights",
        subtype="FILE_PATH",
    )
    filter_glob: bpy.props.StringProperty(default="*.zip;*.json", options={"HIDDEN"})

    @one_sentence
    def invoke(self, context: Context, _event: Event) -> set[str]:
        """Ask for the file."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    @one_sentence
    def execute(self, _context: Context) -> set[str]:
        """Copy it into the folder of own weights."""
        try:
            card = add_bundle(absolute_path(self.filepath), choices().bundles_folder)
        except MMMError as error:
            self.report({"ERROR"}, shown(str(error)))
            return {"CANCELLED"}
        ui_state.look_at_disk()
        redraw()
        self.report({"INFO"}, shown(f"Added the weights '{card.name}'."))
        return {"FINISHED"}


class RemoveWeights(bpy.types.Operator):
    """Delete weights that were added; Replay of Actions made with them needs them"""

    bl_idname = "mmm.remove_weights"
    bl_label = "Remove"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    bundle: bpy.props.StringProperty(name="Weights", description="Name of their folder")

    @classmethod
    def poll(cls, _context: Context) -> bool:
        """Not while the model is at work with some."""
        return can_run(cls, busy_poll_error())

    @one_sentence
    def invoke(self, context: Context, event: Event) -> set[str]:
        """Ask first."""
        return set(context.window_manager.invoke_confirm(self, event))

    @one_sentence
    def execute(self, _context: Context) -> set[str]:
        """Delete the folder."""
        session.shut_down()  # Windows does not delete what the worker has open
        found = [card for card in bundle_cards() if card.key == self.bundle]
        try:
            if not found:
                raise MMMError(f"There are no weights called '{self.bundle}'.")
            remove_bundle(found[0], choices().bundles_folder)
        except MMMError as error:
            self.report({"ERROR"}, shown(str(error)))
            return {"CANCELLED"}
        ui_state.look_at_disk()
        redraw()
        return {"FINISHED"}


class FirstUse(bpy.types.Operator):
    """What the licence of these weights allows, before they are used for the first time"""

    bl_idname = "mmm.first_use"
    bl_label = "Weights Not for Commercial Use"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    bundle: bpy.props.StringProperty(name="Weights", description="Name of their folder")
    operator: bpy.props.StringProperty(name="Operator", description="What was pressed")
    arguments: bpy.props.StringProperty(name="Arguments", description="With what, as JSON")

    @one_sentence
    def invoke(self, context: Context, _event: Event) -> set[str]:
        """Show it."""
        manager = context.window_manager
        return set(
            manager.invoke_props_dialog(self, width=_DIALOG_WIDTH, confirm_text="Understood")
        )

    def draw(self, context: Context) -> None:
        """The dialog."""
        card = _card(self.bundle)
        if card is None:
            return
        draw_terms(self.layout, context, card, _DIALOG_WIDTH)

    @one_sentence
    def execute(self, context: Context) -> set[str]:
        """Keep that it was said, and go on with what was pressed."""
        card = _card(self.bundle)
        if card is None:
            return {"CANCELLED"}
        remember(card, context)
        if self.operator:
            module, _, name = self.operator.partition(".")
            press = getattr(getattr(bpy.ops, module), name)
            with context.temp_override(window=context.window, area=context.area):
                press("INVOKE_DEFAULT", **json.loads(self.arguments or "{}"))
        return {"FINISHED"}


def _card(key: str) -> BundleCard | None:
    return next((card for card in bundle_cards() if card.key == key), None)


_register, _unregister = bpy.utils.register_classes_factory((AddWeights, RemoveWeights, FirstUse))


def register() -> None:
    """Operators, and the question before a first use."""
    _register()
    motion_operator.first_use = asks_first


def unregister() -> None:
    """Nothing is asked any more."""
    motion_operator.first_use = motion_operator.ask_nothing
    _unregister()


def is_own(card: BundleCard) -> bool:
    """The bundle was added by the user, and may be removed."""
    return Path(card.folder).parent == choices().bundles_folder
