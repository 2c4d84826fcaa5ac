"""The tab is pointed to once: never twice, never without a window."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mmm_blender.blender.addon import first_start, paths
from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.jobs.session import WorkerSession
from tests.blender.helpers.drawing import Layout


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder that is not there yet."""
    monkeypatch.setenv(paths.USER_FOLDER_VARIABLE, str(tmp_path / "new" / "user"))
    return tmp_path / "new"


def test_it_is_pointed_to_once(folder: Path) -> None:
    assert not first_start.is_first_start(background=True) and not folder.exists()
    assert first_start.is_first_start(background=False)
    assert not first_start.is_first_start(background=False)


def test_where_that_cannot_be_kept_nothing_is_shown(folder: Path) -> None:
    folder.write_text("a file where the folder should be")
    assert not first_start.is_first_start(background=False)


def test_the_button_is_there_until_the_tab_was_open(
    session: WorkerSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    header: Any = SimpleNamespace(layout=Layout())
    first_start.draw_pointer(header, bpy.context)
    assert header.layout.book == [], "nothing without a window"
    monkeypatch.setattr(first_start.pointer, "is_up", True)
    first_start.draw_pointer(header, bpy.context)
    assert len(header.layout.book) == 1
    first_start.tab_was_opened()
    first_start.draw_pointer(header, bpy.context)
    assert len(header.layout.book) == 1


def test_the_tab_is_chosen_as_soon_as_blender_knows_it() -> None:
    class Region:
        type = "UI"
        tries = 0

        def __setattr__(self, name: str, value: str) -> None:
            type(self).tries += 1
            if self.tries < 3:
                raise TypeError(f"{name}: enum {value} not found")

    area: Any = SimpleNamespace(regions=[Region()], tag_redraw=lambda: None)
    opener = first_start.TabOpener(area)
    assert [opener() is None for _ in range(3)] == [False, False, True]
    closed: Any = SimpleNamespace(regions=[])
    assert first_start.TabOpener(closed)() is None
