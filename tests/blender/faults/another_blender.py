"""A Blender of its own that presses what writes into the user's folder: run with WHO, a folder of
weights, a file that says when to begin, and a file for what each press came to, as JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mmm_blender
from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.rig.armature import create_character

ROUNDS = 12


def press(operator: Callable[..., Any], **given: Any) -> str:
    try:
        assert operator(**given) == {"FINISHED"}
    except RuntimeError as error:
        return str(error).strip()
    return ""


def main(who: str, weights: str, bundle: str, go: str, out: str) -> None:
    """All presses, over and over, at the same time as another Blender."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    mmm_blender.register()
    create_character(bpy.context)
    add, asked = bpy.ops.mmm.add_weights, {"seconds": 1.0, "bundle": bundle}
    shared = Path(go).parent / "user" / "maps" / "mine.json"
    Path(out).with_suffix(".ready").touch()
    while not Path(go).exists():
        time.sleep(0.002)
    said: list[tuple[str, str]] = []
    for number in range(ROUNDS):
        own = Path(weights) / f"{who}-{number}" / "config.json"
        both = Path(weights) / f"both-{number}" / "config.json"
        said += [
            ("own", press(add, filepath=str(own))),
            ("both", press(add, filepath=str(both))),
            ("log", press(bpy.ops.mmm.open_worker_log)),
            ("map", press(bpy.ops.mmm.rig_save, filepath=str(shared))),
        ]
    said.append(("generate", press(bpy.ops.mmm.generate, prompt="a person waves", **asked)))
    Path(out).write_text(json.dumps(said), encoding="utf-8")
    mmm_blender.unregister()


if __name__ == "__main__":
    main(*sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # as a module of Python, Blender 4.2 may crash when the interpreter ends
