"""The class that Ray starts on every node. It travels there as it stands here, with nothing but the
standard library and Ray, so that a node without MMM can say so in a sentence.

Messages are plain dicts, for the same reason.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import Any

import ray


class ClipActor:
    """One process that makes shards, once it is opened."""

    def __init__(self) -> None:
        self._maker: Any = None

    def open(
        self, root: str, version: str, digest: str, settings: dict[str, Any]
    ) -> dict[str, Any]:
        """Load the bundle. root: folder of the package on the machine that asks, used where this
        one has none of its own. Answers with the node, and with a trouble that is "" where none."""
        os.environ["OMP_NUM_THREADS"] = str(settings["threads"])
        answer = _node()
        if importlib.util.find_spec("mmm_blender") is None:
            sys.path.append(root)
        try:
            from mmm_blender.common.errors import MMMError  # noqa: PLC0415
            from mmm_blender.dataset.maker import Maker, MakerSettings, check_package  # noqa: PLC0415
        except ImportError as error:
            trouble = (
                f"it lacks MMM or what MMM needs ({error}): install mmm-blender[cluster] there"
            )
            return answer | {"trouble": trouble}
        try:
            check_package(version, digest)
            self._maker = Maker(MakerSettings(**settings))
        except MMMError as error:
            return answer | {"trouble": str(error).rstrip(".")}
        except ImportError as error:
            trouble = f"it lacks what MMM needs ({error}): install mmm-blender[cluster] there"
            return answer | {"trouble": trouble}
        return answer | {"trouble": "", "software": _software()}

    def make(self, name: str, clips: list[dict[str, Any]]) -> dict[str, Any]:
        """Make a shard of rows. Answers with what became of it, or with the trouble of the node."""
        from dataclasses import asdict  # noqa: PLC0415

        from mmm_blender.dataset.shards import ShardTask  # noqa: PLC0415
        from mmm_blender.dataset.wanted import WantedClip  # noqa: PLC0415

        task = ShardTask(name, tuple(WantedClip(**clip) for clip in clips))
        try:
            return asdict(self._maker.make(task))
        except OSError as error:
            reason = error.strerror or str(error)
            where = error.filename or self._maker.settings.shards
            return _node() | {"trouble": f"it cannot write {where} ({reason}): free space there"}


def _node() -> dict[str, Any]:
    id = ray.get_runtime_context().get_node_id()  # noqa: A001
    return {"id": id, "label": f"{ray.util.get_node_ip_address()}/{id[:6]}"}


def _software() -> str:
    """Versions of what computes here: where they differ, tokens may."""
    import platform  # noqa: PLC0415
    from importlib import metadata  # noqa: PLC0415

    names = ("numpy", "torch", "onnxruntime")
    found = [f"{name} {metadata.version(name)}" for name in names if _has(name)]
    return ", ".join([f"{platform.system()} {platform.machine()}", *found])


def _has(name: str) -> bool:
    from importlib import metadata  # noqa: PLC0415

    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
