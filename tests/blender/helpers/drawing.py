"""A layout that notes what a panel draws, and checks that Blender knows all of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from mmm_blender.blender.bpy_types import bpy


class Layout:
    """Notes labels, properties and operators; sub-layouts note into the same book."""

    def __init__(self, book: list[Any] | None = None) -> None:
        self.book: list[Any] = [] if book is None else book
        self.enabled = True
        self.active = True
        self.operator_context = "EXEC_REGION_WIN"  # as Blender's own entries may leave it
        self.invoked: set[str] = set()

    def _note(self, text: str) -> None:
        text.encode()  # Blender ends at a label that UTF-8 cannot say
        self.book.append(text)

    def _part(self, **_: Any) -> Layout:
        part = Layout(self.book)
        part.enabled = self.enabled
        self.book.append(part)
        return part

    row = column = box = split = _part

    def separator(self) -> None:
        pass

    def template_list(  # Blender's own signature
        self, kind: str, _id: str, data: Any, name: str, active_data: Any, active: str, **_: Any
    ) -> None:
        assert hasattr(bpy.types, kind)
        assert active in active_data.bl_rna.properties
        self.book.append(f"list {name} {len(getattr(data, name))}")

    def label(self, text: str = "", icon: str = "NONE") -> None:
        check_icon(icon)
        self._note(text)

    def prop(self, data: Any, name: str, **_: Any) -> None:
        assert name in data.bl_rna.properties
        self.book.append(f"prop {name}")

    def prop_search(self, data: Any, name: str, search: Any, among: str, **_: Any) -> None:
        assert name in data.bl_rna.properties
        assert among in search.bl_rna.properties
        self.book.append(f"search {name} {getattr(data, name)}")

    def operator(self, name: str, text: str = "", icon: str = "NONE", **_: Any) -> Any:
        check_icon(icon)
        text.encode()
        module, function = name.split(".")
        assert function in dir(getattr(bpy.ops, module))
        values = SimpleNamespace()
        self.book.append((name, self, values))
        if self.operator_context == "INVOKE_DEFAULT":
            self.invoked.add(name)
        return values

    def operator_menu_enum(self, name: str, items: str, **more: Any) -> None:
        values = self.operator(name, **more)
        values.items = items

    def menu(self, name: str, text: str = "", icon: str = "NONE") -> None:
        check_icon(icon)
        assert hasattr(bpy.types, name)
        self._note(f"menu {name} {text}")

    def popover(self, panel: str, text: str = "", icon: str = "NONE") -> None:
        check_icon(icon)
        assert hasattr(bpy.types, panel)
        self._note(f"popover {panel} {text}")

    def progress(self, factor: float, text: str) -> None:
        assert 0.0 <= factor <= 1.0
        self._note(f"progress {factor:.2f} {text}")

    @property
    def text(self) -> str:
        return " ".join(item for item in self.book if isinstance(item, str))

    def buttons(self) -> dict[str, bool]:
        """Operators that are shown, and whether their row is enabled."""
        return {item[0]: item[1].enabled for item in self.book if isinstance(item, tuple)}


def check_icon(icon: str) -> None:
    parameters = bpy.types.UILayout.bl_rna.functions["label"].parameters
    assert icon in parameters["icon"].enum_items


def drawn(panel: Any) -> Layout:
    layout = Layout()
    panel.draw(SimpleNamespace(layout=layout), bpy.context)
    return layout
