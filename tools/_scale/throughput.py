"""Clips a second of one actor and of two, on one table, each with one thread.

The two take turns, and the time counts from the moment that all actors are open, so that neither
the load of a bundle nor a machine that gets busier favours one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from mmm_blender.dataset.dispatch import Dispatcher
from mmm_blender.dataset.maker import MakerSettings, ShardDone
from mmm_blender.dataset.ray_pool import LOCAL, ActorNeeds, RayPool, connect
from mmm_blender.dataset.shards import ShardTask
from mmm_blender.dataset.wanted import WantedClip

SECONDS = 4.0
_PROMPTS = (
    "a person walks forward",
    "a tired person walks in a curve to the left",
    "someone runs",
    "a man bows",
    "a woman waves with the right hand",
)


@dataclass(frozen=True)
class Rate:
    """One run. cpu_seconds, file_bytes: of a clip."""

    actors: int
    clips: int
    seconds: float
    cpu_seconds: float
    file_bytes: float

    @property
    def clips_per_second(self) -> float:
        """As it says."""
        return self.clips / self.seconds


def tasks_of(bundle_hash: str, clips: int, rows_per_shard: int) -> list[ShardTask]:
    """Clips of four seconds in shards."""
    rows = [
        WantedClip(line, f"clip{line}", _PROMPTS[line % len(_PROMPTS)], SECONDS, line)
        for line in range(1, clips + 1)
    ]
    return [
        ShardTask.of(rows[at : at + rows_per_shard], bundle_hash)
        for at in range(0, clips, rows_per_shard)
    ]


def measure(settings: MakerSettings, actors: int, clips: int, rows_per_shard: int) -> Rate:
    """One run with so many actors."""
    connect(LOCAL, actors)
    pool = RayPool(settings, ActorNeeds(1.0, 0.0))
    results: list[ShardDone] = []
    tasks = tasks_of(settings.bundle_hash, clips, rows_per_shard)
    dispatcher = Dispatcher(
        *(pool, actors, iter(tasks), settings.bundle_hash, results.append),
        lambda failure: print(failure.sentence),
        print,
    )
    try:
        dispatcher.open_pool(actors)
        started = time.perf_counter()
        dispatcher.run()
        seconds = time.perf_counter() - started
    finally:
        pool.close()
    made = sum(result.made for result in results)
    return Rate(
        actors,
        made,
        seconds,
        sum(result.cpu_seconds for result in results) / made,
        sum(result.file_bytes for result in results) / made,
    )


def turns(settings: MakerSettings, clips: int, repeats: int) -> list[Rate]:
    """One actor and two in turns, so many times each."""
    return [measure(settings, actors, clips, 10) for _ in range(repeats) for actors in (1, 2)]
