"""The MMM tab in the 3D view's sidebar, read from top to bottom as the work goes."""

from __future__ import annotations

from typing import ClassVar

from ...common.errors import MMMError
from ...worker.protocol import AUTO_DEVICE, ENVIRONMENT, OUT_OF_MEMORY
from ..addon.bundle_cards import BundleCard
from ..addon.paths import ROOT_PACKAGE
from ..addon.preferences import choices, device_path, draw_setup, known_devices, worker_python
from ..addon.scene_settings import (
    Settings,
    bundle_cards,
    chosen_bundle,
    length_fault,
    scene_settings,
)
from ..bpy_types import Context, bpy
from ..jobs.session import Desk, desk
from ..rig.target import target_armature
from ..widgets import Layout, draw_wrapped
from .task import obstacle

TAB = "MMM"
BIG = 1.6
"""Height of the one button that matters, in ordinary buttons."""

ORDER = {"motion": 0, "edit": 1, "sequence": 2, "character": 3, "device": 4}
"""Panels of the tab from top to bottom, whichever module adds them."""

EXAMPLES = (
    "a person walks forward",
    "a tired person walks forward",
    "an old man walks in a curve to the left",
    "a person walks backward",
    "a person runs forward",
    "a person jumps forward",
    "a person waves with the left hand",
    "a woman raises both hands happily",
    "a proud man bows",
    "a person dances",
)


class ExamplesMenu(bpy.types.Menu):
    """Prompts to begin with."""

    bl_idname = "MMM_MT_examples"
    bl_label = "Example Prompts"

    def draw(self, _context: Context) -> None:
        """One line a prompt."""
        for prompt in EXAMPLES:
            _draw_choice(self.layout, "scene.mmm.prompt", prompt, prompt)


class BundlesMenu(bpy.types.Menu):
    """Weights to choose from."""

    bl_idname = "MMM_MT_bundles"
    bl_label = "Weights"

    def draw(self, _context: Context) -> None:
        """One line a bundle."""
        for card in bundle_cards():
            _draw_choice(self.layout, "scene.mmm.bundle", card.key, card.name)


class DevicesMenu(bpy.types.Menu):
    """Devices to choose from. The worker names them; before it ran, only the CPU is sure."""

    bl_idname = "MMM_MT_devices"
    bl_label = "Device"

    def draw(self, _context: Context) -> None:
        """One line a device."""
        for device, name in known_devices().items():
            _draw_choice(self.layout, device_path(), device, name)


def _draw_choice(layout: Layout, data_path: str, value: str, text: str) -> None:
    """A menu line that sets a property; Blender's own operator does it, with undo."""
    choice = layout.operator("wm.context_set_string", text=text, translate=False)
    choice.data_path, choice.value = data_path, value


class MotionPanel(bpy.types.Panel):
    """Prompt, Generate Motion, and how it goes."""

    bl_idname = "MMM_PT_motion"
    bl_label = "MMM"
    bl_order = ORDER["motion"]
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB

    def draw(self, context: Context) -> None:
        """All of it."""
        layout: Layout = self.layout
        settings = scene_settings(context.scene)
        _draw_request(layout, settings)
        has_place = _draw_target(layout, context)
        if desk.busy:
            draw_progress(layout, desk)
        else:
            _draw_button(layout, context, settings, has_place)
        draw_notice(layout, context, desk)
        _draw_bundle(layout, context)


class CharacterPanel(bpy.types.Panel):
    """Characters that motions can be keyed on."""

    bl_idname = "MMM_PT_character"
    bl_label = "Character"
    bl_order = ORDER["character"]
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB

    def draw(self, _context: Context) -> None:
        """Two ways to add one."""
        column = self.layout.column(align=True)
        column.operator("mmm.add_character", icon="ARMATURE_DATA")
        column.operator("mmm.choose_body_model", icon="FILE_FOLDER")


class DevicePanel(bpy.types.Panel):
    """Where the model runs."""

    bl_idname = "MMM_PT_device"
    bl_label = "Device"
    bl_order = ORDER["device"]
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw_header_preset(self, _context: Context) -> None:
        """In short, also when the panel is closed."""
        self.layout.label(text=device_text(desk))

    def draw(self, _context: Context) -> None:
        """Device, memory, and the way to the preferences."""
        column = self.layout.column()
        draw_device_menu(column)
        if desk.worker_status is not None:
            column.label(text=f"Memory: {desk.worker_status.memory_mb:,.0f} MB")
        _draw_preferences_button(column)


def device_text(the_desk: Desk) -> str:
    """The device in use, or the chosen one."""
    status = the_desk.worker_status
    device = status.device if status is not None and status.device else choices().device
    return "Automatic" if device == AUTO_DEVICE else device.upper()


def _draw_preferences_button(layout: Layout) -> None:
    layout.operator(
        "preferences.addon_show", text="Preferences", icon="PREFERENCES"
    ).module = ROOT_PACKAGE


def draw_device_menu(layout: Layout) -> None:
    """The choice of a device, where it can be kept."""
    if device_path():
        device = choices().device
        layout.menu("MMM_MT_devices", text=known_devices().get(device, device))


def _draw_request(layout: Layout, settings: Settings) -> None:
    column = layout.column()
    column.label(text="What happens?")
    row = column.row(align=True)
    row.prop(settings, "prompt", text="")
    row.menu("MMM_MT_examples", text="", icon="DOWNARROW_HLT")
    column.prop(settings, "seconds")
    row = column.row(align=True)
    row.prop(settings, "seed")
    row.operator("mmm.new_seed", text="", icon="FILE_REFRESH")
    column.prop(settings, "pin_feet")


def _draw_target(layout: Layout, context: Context) -> bool:
    """Where the motion will go; False, and the reason, when it has no place to go."""
    try:
        rig = target_armature(context)
    except MMMError as error:
        draw_wrapped(layout, context, str(error), icon="ERROR")
        return False
    frame = context.scene.frame_current
    name = "a new character" if rig is None else rig.name
    layout.label(text=f"On {name}, from frame {frame}", icon="ARMATURE_DATA")
    return True


def draw_progress(layout: Layout, the_desk: Desk) -> None:
    """How the job goes, and the button that ends it."""
    assert the_desk.job is not None
    row = layout.row(align=True)
    row.scale_y = BIG
    row.progress(factor=the_desk.job.fraction, text=the_desk.job.text(the_desk.clock()))
    row.operator("mmm.cancel", text="", icon="X")


def _draw_button(layout: Layout, context: Context, settings: Settings, has_place: bool) -> None:
    """The button; greyed, with the reason and the way out under it, while it cannot be pressed."""
    reason = obstacle(context) or _request_fault(context, settings)
    row = layout.row()
    row.scale_y = BIG
    row.enabled = has_place and not reason
    row.operator("mmm.generate", icon="PLAY")
    if reason:
        draw_wrapped(layout, context, reason, icon="INFO")
    if worker_python()[1] or desk.notice.kind == ENVIRONMENT:
        draw_setup(layout, context)
        row = layout.row(align=True)
        row.operator("mmm.check_worker", icon="FILE_REFRESH")
        _draw_preferences_button(row)


def _request_fault(context: Context, settings: Settings) -> str:
    """What is wrong with the fields themselves, in a sentence; else ""."""
    if not str(settings.prompt).strip():
        return "Say in a few words what the body does."
    try:
        card = chosen_bundle(context.scene)
    except MMMError as error:
        return str(error)
    return card.problem or length_fault(card, float(settings.seconds))


def draw_notice(layout: Layout, context: Context, the_desk: Desk) -> None:
    """The last message."""
    notice = the_desk.notice
    if not notice.text:
        return
    box = layout.box()
    draw_wrapped(box, context, notice.text, icon="ERROR" if notice.is_error else "INFO")
    if notice.kind == OUT_OF_MEMORY:
        box.operator("mmm.generate_on_cpu")


def _draw_bundle(layout: Layout, context: Context) -> None:
    """Which weights, and what one may do with their motions."""
    cards = bundle_cards()
    card = _card_or_none(context)
    name = "Choose weights" if card is None else card.name
    column = layout.column(align=True)
    if len(cards) > 1 or card is None:
        column.menu("MMM_MT_bundles", text=name)
    for line in () if card is None else card.licence_lines:
        column.label(text=line)


def _card_or_none(context: Context) -> BundleCard | None:
    try:
        return chosen_bundle(context.scene)
    except MMMError:
        return None


_CLASSES = (
    ExamplesMenu,
    BundlesMenu,
    DevicesMenu,
    MotionPanel,
    CharacterPanel,
    DevicePanel,
)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
