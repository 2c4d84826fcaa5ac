"""Weights from inside Blender: add, remove, and the licence before their first use."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

import json
from pathlib import Path
from typing import Any, ClassVar

from ...common.errors import MMMError
from ..bpy_types import Context, Event, bpy
from ..guards import one_sentence
from ..jobs import motion_operator
from ..jobs.session import session
from ..widgets import can_run, draw_wrapped, redraw, shown
from .availability import busy_poll_error
from .bundle_cards import BundleCard
from .bundle_choice import chosen_bundle
from .bundle_library import add_bundle, remove_bundle
from .choices import absolute_path, choices, preferences
from .disk_facts import bundle_cards
from .ui_state import ui_state

_DIALOG_WIDTH = 420
_CARD_NAME = "MODEL_CARD.md"


class AddWeights(bpy.types.Operator):
    """Add a bundle of weights: its folder, or a zip of it. Its files are checked and copied"""

    bl_idname = "mmm.add_weights"
    bl_label = "Add"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    filepath: bpy.props.StringProperty(
        name="Bundle",
        description="A zip, or a bundle's folder or config.json",
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
    """Delete a bundle that was added. Actions made with it need it to be replayed"""

    bl_idname = "mmm.remove_weights"
    bl_label = "Remove"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    bundle: bpy.props.StringProperty(name="Weights", description="Name of the bundle's folder")

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

    bundle: bpy.props.StringProperty(name="Weights", description="Name of the bundle's folder")
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
        for line in card.licence_lines:
            self.layout.label(text=shown(line))
        draw_wrapped(
            self.layout,
            context,
            "Motions that these weights make may be shown, changed and shared with the name of "
            "their makers, and not be sold or used in work that is paid for. This is said once.",
            width=_DIALOG_WIDTH,
        )
        path = card.folder / _CARD_NAME
        if path.is_file():
            button = self.layout.operator("wm.path_open", text="Open Their Card", icon="TEXT")
            button.filepath = str(path)

    @one_sentence
    def execute(self, context: Context) -> set[str]:
        """Keep that it was said, and go on with what was pressed."""
        card, stored = _card(self.bundle), preferences()
        if card is None or stored is None:
            return {"CANCELLED"}
        stored.known_licences = json.dumps(sorted({*_known(stored), _licence_key(card)}))
        if self.operator:
            module, _, name = self.operator.partition(".")
            press = getattr(getattr(bpy.ops, module), name)
            with context.temp_override(window=context.window, area=context.area):
                press("INVOKE_DEFAULT", **json.loads(self.arguments or "{}"))
        return {"FINISHED"}


def asks_first(operator: Any, context: Context) -> bool:
    """The weights of an operator are not for commercial use, and this was not said yet: it is now,
    in a dialog that goes on with the operator."""
    stored = preferences()
    if stored is None:
        return False
    try:
        card = chosen_bundle(context.scene, operator.bundle)
    except MMMError:
        return False  # the operator says it
    if not card.is_non_commercial or _licence_key(card) in _known(stored):
        return False
    given = operator.as_keywords()
    set_ones = {name: value for name, value in given.items()
                if operator.properties.is_property_set(name)}  # fmt: skip
    bpy.ops.mmm.first_use(  # pyright: ignore[reportAttributeAccessIssue]  # ours
        "INVOKE_DEFAULT",
        bundle=card.key,
        operator=operator.bl_idname.replace("_OT_", ".").lower(),
        arguments=json.dumps(set_ones),
    )
    return True


def _card(key: str) -> BundleCard | None:
    return next((card for card in bundle_cards() if card.key == key), None)


def _licence_key(card: BundleCard) -> str:
    return f"{card.key}: {card.licence}"


def _known(stored: Any) -> set[str]:
    try:
        return set(map(str, json.loads(stored.known_licences or "[]")))
    except (ValueError, TypeError):
        return set()


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
