"""Manual and Report a Bug."""

from __future__ import annotations

import pytest

from mmm_blender.blender.addon import help_operators, paths
from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.jobs.session import Notice, WorkerSession
from mmm_blender.common.package import package_version


def test_a_report_says_the_versions_and_the_last_message(session: WorkerSession) -> None:
    session.notice = Notice("The model's process ended unexpectedly.", is_error=True)
    assert bpy.ops.mmm.report_bug() == {"FINISHED"}
    text = (paths.user_folder() / "bug_report.txt").read_text(encoding="utf-8")
    assert f"MMM {package_version()}, Blender {bpy.app.version_string}" in text
    assert "The model's process ended unexpectedly." in text


def test_the_manual_is_found_and_grey_without(
    session: WorkerSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = help_operators.manual_page()
    assert page is not None and page.read_text(encoding="utf-8").startswith("# ")
    monkeypatch.setattr(help_operators, "manual_page", lambda: None)
    with pytest.raises(RuntimeError, match="has no manual"):
        bpy.ops.mmm.open_manual()
