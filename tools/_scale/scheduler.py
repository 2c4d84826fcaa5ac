"""The driver with actors that make nothing: what scheduling costs, and what the driver holds.

Everything of a run but the clips is real: the table on disk, the index of keys, the plan, the
dispatcher, Ray's messages, the report. Actors are played by a few processes, a hundred in each.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _scale import stub_actor

from mmm_blender.dataset.dispatch import Dispatcher
from mmm_blender.dataset.folder import DatasetFolder, Facts
from mmm_blender.dataset.key_index import KeyIndex
from mmm_blender.dataset.ledger import Ledger
from mmm_blender.dataset.maker import MakerSettings
from mmm_blender.dataset.plan import Plan
from mmm_blender.dataset.ray_pool import LOCAL, ActorNeeds, RayPool, connect
from mmm_blender.dataset.tables import count_rows, read_rows
from mmm_blender.worker.server.memory import resident_mb

HASH = "0" * 64
ACTORS_IN_A_PROCESS = 100
_PROMPTS = ("a person walks forward", "someone runs", "a man bows", "she waves with both hands")


class SharedPool(RayPool):
    """Many actors in each process, which takes no CPU of its own."""

    def __init__(self, settings: MakerSettings, seconds_per_clip: float) -> None:
        super().__init__(settings, ActorNeeds(0.001, 0.0), stub_actor.StubActor, stub_actor)
        self._seconds_per_clip = seconds_per_clip
        self._processes: list[Any] = []
        self._places = 0

    def start(self, avoid: Collection[str]) -> Any:
        """A place in the newest process, or a new one."""
        if not self._places:
            options = self._class.options(num_cpus=0, max_concurrency=ACTORS_IN_A_PROCESS)
            self._processes.append(options.remote(self._seconds_per_clip))
            self._places = ACTORS_IN_A_PROCESS
        self._places -= 1
        return self._processes[-1]


class BlindLedger(Ledger):
    """There are no files to look for."""

    def check_seen(self, name: str) -> None:
        """Nothing was written."""


@dataclass(frozen=True)
class StubRun:
    """seconds: from the first actor on. driver_cpu: seconds of this process. peak_mb: the most
    that this process was seen to hold, about once a second and at the end, MiB."""

    actors: int
    rows: int
    seconds: float
    driver_cpu: float
    peak_mb: float

    @property
    def ms_per_clip(self) -> float:
        """What a clip costs where clips cost nothing."""
        return 1000 * self.seconds / self.rows


def write_table(path: Path, rows: int) -> Path:
    """A table of so many different rows."""
    with path.open("w", encoding="utf-8") as file:
        file.write("name,prompt,seconds,seed\n")
        for row in range(rows):
            prompt = _PROMPTS[row % len(_PROMPTS)]
            file.write(f"clip{row},{prompt},{2 + row % 4},{row}\n")
    return path


def stub_run(
    folder: Path, actors: int, rows: int, rows_per_shard: int, seconds_per_clip: float = 0.0
) -> StubRun:
    """A whole run in this process, which should do nothing else."""
    table = write_table(folder / "table.csv", rows)
    held: list[float] = []
    facts = Facts("stub", HASH, 0.0, True, (), {})
    connect(LOCAL, 2)
    pool = SharedPool(MakerSettings("", HASH, ""), seconds_per_clip)
    with DatasetFolder(folder / "out") as out, KeyIndex() as index:
        out.settle(facts)
        ledger = BlindLedger(count_rows(table), out.path, out.shards, table, facts)
        plan = Plan(read_rows(table), index, ledger, HASH, rows_per_shard)

        def tick() -> None:
            ledger.tick(dispatcher.counts.values())
            held.append(resident_mb())

        dispatcher = Dispatcher(
            *(pool, actors, plan.tasks, HASH, ledger.done, ledger.failed, ledger.say),
            tick,
        )
        dispatcher.open_pool(actors)
        started, cpu = time.perf_counter(), time.process_time()
        dispatcher.run()
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        ledger.write(dispatcher.counts.values(), ended=True)
        held.append(resident_mb())
    pool.close()
    assert ledger.counts.made == rows
    return StubRun(actors, rows, seconds, cpu, max(held))
