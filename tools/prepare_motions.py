"""Bring captured sources to SMPL clips at 20 fps in one compact file, and check the result.

    python tools/prepare_motions.py --sources DIR --out build/starter.npz [--report FILE] [--table]
    python tools/prepare_motions.py --sources DIR --out build/open.npz --set open
    python tools/prepare_motions.py --sources DIR --out build/cmu.npz --only cmu
    python tools/prepare_motions.py --sources DIR --out build/open.npz --set open \\
        --cmu-folder DIR --style100 DIR
    python tools/prepare_motions.py --out build/starter.npz --table    (of a file that is there)

DIR holds checkouts of the public repositories, each under its own name (see
training/data/takes.py); those that are missing are named and left out. There are two sets, whose
terms do not mix: starter (Bandai Namco, CMU, SkillMimic, ReActIdle; weights CC BY-NC) and open
(CMU, SkillMimic, ReActIdle, HDM05; weights CC BY-SA). Who has all of CMU, or 100STYLE (CC BY),
gives their folders as they come; they may join either set. Every file that is left out is named
with its reason and counted; where nothing is left, nothing is written and the command fails.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from _dev.program import run  # noqa: E402

from mmm_blender.common.errors import MMMError  # noqa: E402
from mmm_blender.training.data.motion_file import load_motions, save_motions  # noqa: E402
from mmm_blender.training.data.preparation import (  # noqa: E402
    SETS,
    SOURCES,
    STYLE100,
    Wanted,
    collect,
    summary,
)
from mmm_blender.training.data.set_table import set_tables  # noqa: E402
from mmm_blender.training.data.takes import CMU_TABLE, Rejected  # noqa: E402


def write_report(options: argparse.Namespace, report: dict[str, Any]) -> None:
    """All of it to the file that was asked for, the short of it to the terminal."""
    if options.report:
        options.report.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    short = {k: v for k, v in report.items() if k not in ("rejected takes", "calibration")}
    print(json.dumps(short, indent=1))


def prepare(options: argparse.Namespace) -> Rejected:
    """Write the data set and its report; returns what was left out."""
    names = (options.only,) if options.only else SETS[options.set]
    if options.style100 and STYLE100 not in names:
        names = (*names, STYLE100)
    wanted = Wanted(options.sources, names, options.labels, options.cmu_folder, options.style100)
    gathered, calibrations = collect(wanted)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    save_motions(options.out, gathered.records, gathered.clips)
    write_report(
        options,
        {
            "clips": len(gathered.clips),
            "minutes": round(sum(c.seconds for c in gathered.clips) / 60, 1),
            "megabytes": round(options.out.stat().st_size / 1e6, 1),
            "figures": {rig: summary(rows) for rig, rows in gathered.figures.items()},
            "rejected": Counter(gathered.rejected.values()),
            "rejected takes": gathered.rejected,
            "calibration": calibrations,
        },
    )
    return gathered.rejected


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sources", type=Path, help="folder of repository checkouts")
    parser.add_argument("--out", type=Path, required=True, help="the .npz to write")
    parser.add_argument("--set", choices=SETS, default="starter", help="which sources (starter)")
    parser.add_argument("--only", choices=SOURCES, help="takes of one source alone")
    parser.add_argument("--cmu-folder", type=Path, help="all of CMU as published (BVH, or ASF/AMC)")
    parser.add_argument("--style100", type=Path, help="100STYLE as published, into either set")
    parser.add_argument("--labels", type=Path, default=CMU_TABLE, help="CSV of the CMU clips")
    parser.add_argument("--report", type=Path, help="where the figures go as JSON")
    parser.add_argument("--table", action="store_true", help="print the set as Markdown tables")
    options = parser.parse_args()
    if options.sources is None and not options.table:
        raise MMMError("Name the folder of the repository checkouts with --sources.")
    rejected = prepare(options) if options.sources else None
    if options.table:
        print(set_tables(load_motions(options.out)[0], rejected))
    return 0


if __name__ == "__main__":
    run(main)
