"""Set Up's page: what it says and costs; Remove, Repair, and the one of another Blender."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mmm_blender.blender.addon import choices, environment_operators, setup_widgets
from mmm_blender.blender.addon.preferences import draw_page
from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.jobs.session import Notice
from mmm_blender.blender.jobs.setup_job import setup_session
from mmm_blender.common.errors import MMMError
from mmm_blender.worker import environments
from mmm_blender.worker.installer import CUDA, RUNNING, SetupProgress
from tests.blender.helpers.drawing import Layout


@pytest.fixture
def stored(stored: Any, tmp_path: Path) -> Iterator[Any]:
    """The same, with a folder of environments that is empty."""
    stored.environment_path = str(tmp_path / "place")
    yield stored
    setup_session.setup, setup_session.notice = None, Notice()


def make(folder: Path) -> None:
    """A whole environment, without its packages."""
    python = environments.python_in(folder / "env-1")
    python.parent.mkdir(parents=True)
    python.write_bytes(b"x" * 3_000_000)
    environments.mark_ready(folder / "env-1", CUDA)


def page(stored: Any) -> Layout:
    layout = Layout()
    draw_page(layout, bpy.context, stored)
    return layout


def test_the_page_says_what_set_up_is_for_and_what_it_takes(stored: Any, tmp_path: Path) -> None:
    text = page(stored).text
    assert "Generate works without Set Up" in text and "published checkpoints" in text
    assert "mmm.set_up_environment" in page(stored).buttons()
    sentence = setup_widgets.cost_sentence()
    assert "MB and wants 2 GB free in" in sentence and str(tmp_path / "place") in sentence
    stored.flavour = CUDA
    assert "up to 4,800 MB and wants 9 GB" in setup_widgets.cost_sentence()
    stored.wheels_folder = str(tmp_path)
    assert "without the network" in setup_widgets.cost_sentence()


def test_what_there_is_shows_its_size_and_can_be_removed(stored: Any, tmp_path: Path) -> None:
    make(tmp_path / "place")
    layout = page(stored)
    assert "Ready: NVIDIA GPU (CUDA), 3 MB" in layout.text
    assert {"mmm.repair_environment", "mmm.remove_environment"} <= set(layout.buttons())
    assert bpy.ops.mmm.remove_environment() == {"FINISHED"}
    assert setup_session.notice.text == "Removed: 3 MB are free again."
    assert "mmm.remove_environment" not in page(stored).buttons()


def test_one_that_another_blender_uses_stays(
    stored: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "place")
    monkeypatch.setattr(environments, "is_in_use", lambda _: True)  # pyright: ignore[reportUnknownLambdaType]
    with pytest.raises(RuntimeError, match="another Blender runs in that folder"):
        bpy.ops.mmm.remove_environment()
    assert environments.environment_python(tmp_path / "place") is not None

    def gone(_folder: Path) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(environment_operators, "remove_all", gone)
    with pytest.raises(RuntimeError, match=r"could not be removed \(Input/output error\)"):
        bpy.ops.mmm.remove_environment()


def test_repair_makes_the_same_build_again(
    stored: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "place")
    (tmp_path / "place" / "env-1" / "pyvenv.cfg").write_text("home = /gone/from/here\n", "utf-8")
    assert "/gone/from/here" in page(stored).text.replace("  ", " ")
    stored.wheels_folder = str(tmp_path)  # so that it needs no network
    asked: list[Any] = []

    def start(params: Any) -> None:
        asked.append(params)
        raise MMMError("Enough seen.")

    monkeypatch.setattr(setup_session, "start", start)
    with pytest.raises(RuntimeError, match="Enough seen"):
        bpy.ops.mmm.repair_environment()
    assert (asked[0].flavour, asked[0].folder) == (CUDA, tmp_path / "place")


def test_the_one_of_another_blender_is_offered_and_used(stored: Any, tmp_path: Path) -> None:
    inside = Path("extensions") / "worker_environment"
    stored.environment_path = str(tmp_path / "5.2" / inside)
    make(tmp_path / "4.5" / inside)
    layout = page(stored)
    assert "Use the One in" in str(layout.buttons()) or "mmm.use_environment" in layout.buttons()
    assert bpy.ops.mmm.use_environment(folder=str(tmp_path / "4.5" / inside)) == {"FINISHED"}
    assert choices.choices().environment_folder == tmp_path / "4.5" / inside
    assert "mmm.use_environment" not in page(stored).buttons()
    with pytest.raises(RuntimeError, match="There is no environment in"):
        bpy.ops.mmm.use_environment(folder=str(tmp_path))


def test_while_it_downloads_the_bar_says_how_far_it_is(stored: Any) -> None:
    progress = SetupProgress(RUNNING, 4, 5, "Installing torch", "Downloading", 0.4, "77 of 192 MB")

    class Setup:
        """A set-up that stands there."""

        def __init__(self) -> None:
            self.progress = progress

        def cancel(self) -> None:
            pass

    stub: Any = Setup()
    setup_session.setup = stub
    layout = page(stored)
    assert "progress 0.40 77 of 192 MB" in layout.text and "Installing torch" in layout.text
    assert "mmm.set_up_environment" not in layout.buttons()
    with pytest.raises(RuntimeError, match="A set-up runs already"):
        bpy.ops.mmm.remove_environment()


def test_blenders_own_python_is_never_removed(stored: Any) -> None:
    assert bpy.ops.mmm.remove_environment() == {"FINISHED"}
    assert Path(sys.executable).exists()
