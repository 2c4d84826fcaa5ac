"""The panel and menu of devices."""

from __future__ import annotations

from typing import ClassVar

from ...worker.protocol import AUTO_DEVICE
from ..bpy_types import Context, bpy
from ..jobs.session import WorkerSession, session
from ..widgets import ORDER, TAB, Layout, draw_choice, in_language, shown
from .choices import choices, device_path, known_devices
from .paths import ROOT_PACKAGE


class DevicesMenu(bpy.types.Menu):
    """Devices to choose from. The worker names them; before it ran, only the CPU is sure."""

    bl_idname = "MMM_MT_devices"
    bl_label = "Device"

    def draw(self, _context: Context) -> None:
        """One line a device."""
        for device, name in known_devices().items():
            draw_choice(self.layout, device_path(), device, name)


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
        self.layout.label(text=shown(device_text(session)))

    def draw(self, _context: Context) -> None:
        """Device, memory, and the way to the preferences."""
        column = self.layout.column()
        draw_device_menu(column)
        if name := device_name(session):
            column.label(text=in_language("Runs on: {name}", name=name))
        if session.worker_status is not None:
            memory = f"{session.worker_status.memory_mb:,.0f}"
            column.label(text=in_language("Memory: {megabytes} MB", megabytes=memory))
        draw_preferences_button(column)


def device_text(the_session: WorkerSession) -> str:
    """The device in use, or the chosen one."""
    status = the_session.worker_status
    device = status.device if status is not None and status.device else choices().device
    return "Automatic" if device == AUTO_DEVICE else device.upper()


def device_name(the_session: WorkerSession) -> str:
    """The name of the device in use, "" before the worker has said it."""
    status = the_session.worker_status
    return the_session.devices.get(status.device, "") if status is not None else ""


def draw_preferences_button(layout: Layout) -> None:
    """A button that opens this add-on's preferences."""
    layout.operator(
        "preferences.addon_show", text="Preferences", icon="PREFERENCES"
    ).module = ROOT_PACKAGE


def draw_device_menu(layout: Layout) -> None:
    """The choice of a device, where it can be kept."""
    if device_path():
        device = choices().device
        layout.menu("MMM_MT_devices", text=known_devices().get(device, device))


register, unregister = bpy.utils.register_classes_factory((DevicesMenu, DevicePanel))
