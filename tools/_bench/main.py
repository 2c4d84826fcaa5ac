"""What tools/bench runs inside the environment; prints one table."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from _bench import editing, interface, parts, workbench, worker
from _bench.figures import Row, table
from _dev.bootstrap import ROOT, say

from mmm_blender.common.errors import MMMError

BUNDLE = ROOT / "weights" / "starter"


def main(arguments: Sequence[str]) -> int:
    """Run from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="bench", description="Speed and memory beside peers.")
    parser.add_argument("--quick", action="store_true", help="only what needs no weights")
    parser.add_argument("--bundle", type=Path, default=BUNDLE, help="folder of the weights")
    options = parser.parse_args(arguments)
    try:
        rows = measure(options.quick, options.bundle)
    except MMMError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print(f"{_machine()}\n\n{table(rows)}")
    return 0


def measure(quick: bool, bundle: Path) -> list[Row]:
    """All rows; without weights only the parts. torch comes into this process at the very end."""
    say("rotations, fitting, keys, reading, panels ...")
    rows = [*parts.rows(), *editing.reading_rows(), *workbench.rows(), *interface.rows()]
    if quick:
        return rows
    say("the weights in a worker ...")
    rows += worker.rows(bundle)
    say("edits and sequences ...")
    rows += editing.rows(bundle)
    say("takes and loops ...")
    rows += workbench.model_rows(bundle)
    say("the paper's model ...")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in the worker: no busy waiting
    from _bench import model  # noqa: PLC0415  # imports torch, which must not disturb the rows before

    return rows + model.rows()


def _machine() -> str:
    """What was measured on, and whether something else kept it busy."""
    cores = os.cpu_count() or 1
    machine = f"{platform.machine()}, {cores} CPU cores, Python {platform.python_version()}"
    if hasattr(os, "getloadavg"):
        machine += f", load {os.getloadavg()[0]:.1f}"
    return machine
