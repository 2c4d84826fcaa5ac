"""An actor that makes nothing: what is left is the driver and Ray. A process plays many of them."""

from __future__ import annotations

import asyncio
from typing import Any

import ray


class StubActor:
    """Answers as ``ClipActor`` does. seconds_per_clip: how long it waits for each."""

    def __init__(self, seconds_per_clip: float = 0.0) -> None:
        self._seconds_per_clip = seconds_per_clip

    async def open(
        self, root: str, version: str, digest: str, settings: dict[str, Any]
    ) -> dict[str, Any]:
        """There is nothing to load."""
        node = ray.get_runtime_context().get_node_id()
        return {"id": node, "label": node[:6], "trouble": "", "software": ""}

    async def make(self, name: str, clips: list[dict[str, Any]]) -> dict[str, Any]:
        """Nothing is made; the answer is as large as a real one."""
        await asyncio.sleep(self._seconds_per_clip * len(clips))
        return {
            **{"name": name, "made": len(clips), "rejected": 0, "failures": ()},
            **{"file_bytes": 0, "cpu_seconds": 0.0, "seconds": 0.0},
            "sums": {figure: (0.0, len(clips)) for figure in ("a", "b", "c", "d", "e")},
        }
