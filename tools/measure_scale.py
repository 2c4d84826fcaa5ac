"""Measures what data sets cost, and writes the figures into docs/scale.md.

    python tools/measure_scale.py [--clips 120] [--repeats 3] [--parts scheduler,memory]

Throughput and cost come from real clips of the starter weights with one and with two actors; the
scheduler and the driver's memory from actors that make nothing. Parts that are not asked for keep
the figures that the page has. On a busy machine two actors do not get two cores: see the load
beside the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

TOOLS = Path(__file__).resolve().parent
sys.path.insert(0, str(TOOLS.parent))

from _dev import program  # noqa: E402
from _scale import filters, page, scheduler, throughput  # noqa: E402

from mmm_blender.dataset.command import read_bundle  # noqa: E402
from mmm_blender.dataset.maker import MakerSettings  # noqa: E402

PAGE = TOOLS.parent / "docs" / "scale.md"
STARTER, EVALUATOR = (TOOLS.parent / "weights" / name for name in ("starter", "evaluator"))
PARTS = ("throughput", "scheduler", "memory", "filters")
ACTORS = (1, 10, 100, 1000)
ROWS = (1_000, 10_000, 100_000)
_SCHEDULED_ROWS = 50_000
_ROWS_PER_SHARD = 128
_SMALL_SHARD = 16  # eight times as many messages as usual
_SECONDS_PER_CLIP = 0.1  # about what one thread takes
_SHARDS_EACH = 2


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure what data sets cost.")
    parser.add_argument("--clips", type=int, default=120, help="of each run with real clips")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--stub", nargs=4, help="actors, rows, rows a shard, seconds a clip")
    options = parser.parse_args()
    if options.stub:
        actors, rows, shard, seconds = options.stub
        print(json.dumps(stub(int(actors), int(rows), int(shard), float(seconds))))
        return 0
    figures = page.read_figures(PAGE)
    for part in options.parts.split(","):
        figures[part] = {"machine": machine(), **MEASURE[part](options)}
        page.write_figures(PAGE, figures)
    return 0


def machine() -> dict[str, Any]:
    """Where the figures come from."""
    return {
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "load": round(os.getloadavg()[0], 1),
    }


def stub(actors: int, rows: int, rows_per_shard: int, seconds: float) -> dict[str, float]:
    """One run of this process with actors that make nothing."""
    with tempfile.TemporaryDirectory() as folder:
        run = scheduler.stub_run(Path(folder), actors, rows, rows_per_shard, seconds)
    return asdict(run) | {"ms_per_clip": run.ms_per_clip}


def _in_a_process(*run: float) -> dict[str, float]:
    command = [sys.executable, __file__, "--stub", *map(str, run)]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(ended.stdout.splitlines()[-1])


def _throughput(options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        settings = MakerSettings(str(STARTER), read_bundle(STARTER)[1], folder)
        rates = throughput.turns(settings, options.clips, options.repeats)
    return {"runs": [asdict(rate) for rate in rates]}


def _scheduler(_: argparse.Namespace) -> dict[str, Any]:
    idle = [_in_a_process(actors, _SCHEDULED_ROWS, _SMALL_SHARD, 0.0) for actors in ACTORS]
    each = _SHARDS_EACH * _ROWS_PER_SHARD
    busy = [_in_a_process(n, n * each, _ROWS_PER_SHARD, _SECONDS_PER_CLIP) for n in ACTORS]
    ideal = each * _SECONDS_PER_CLIP
    return {"runs": idle, "busy": [run | {"share": ideal / run["seconds"]} for run in busy]}


def _memory(_: argparse.Namespace) -> dict[str, Any]:
    return {"runs": [_in_a_process(10, rows, _ROWS_PER_SHARD, 0.0) for rows in ROWS]}


def _filters(options: argparse.Namespace) -> dict[str, Any]:
    return filters.limits(STARTER, EVALUATOR, options.clips)


MEASURE = {
    "throughput": _throughput,
    "scheduler": _scheduler,
    "memory": _memory,
    "filters": _filters,
}

if __name__ == "__main__":
    program.run(main)
