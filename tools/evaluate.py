"""Judge a bundle as the field does, and by what the eye sees, on held-out clips.

    python tools/evaluate.py --bundle weights/starter --data build/motions.npz --json out/all.json

Prints tables in Markdown: R-precision, FID, MM-Dist, Diversity and MultiModality of both held-out
sets, figures of motion, edits and long sequences, sentences that are obeyed, and every goal beside
what version 0.1.0 reached, what is reached now and what real motion shows. --quick judges few clips
and serves only to see that all runs. --only sentences leaves the rest out; with --join the figures
file keeps what it has of the rest. The file is written after each part. --bundle none judges the
evaluator alone. Cards are made from the figures file by tools/card_tables.py.

What people tell of twelve motions is put in by hand: --viewings 6 7 7, later with --only viewings
--join.

With --published FOLDER, --data is a person's own HumanML3D or KIT-ML folder, judged by the files of
the field's evaluator in FOLDER (see mmm_blender/training/published_evaluator.py).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from _dev.program import run  # noqa: E402

from mmm_blender.common.atomic_files import make_folder, write_files  # noqa: E402
from mmm_blender.motion.pipeline.pipeline import MotionPipeline  # noqa: E402
from mmm_blender.training.evaluation.bundle_report import (  # noqa: E402
    field_report,
    goal_report,
    sentence_report,
)
from mmm_blender.training.evaluation.evaluator import load_evaluator  # noqa: E402
from mmm_blender.training.evaluation.field_goals import VIEWINGS  # noqa: E402
from mmm_blender.training.evaluation.figures_file import (  # noqa: E402
    BUNDLE_HASH,
    joined,
    read_figures,
    write_figures,
)
from mmm_blender.training.evaluation.figures_file import QUICK as QUICK_RUN  # noqa: E402
from mmm_blender.training.evaluation.folder_suite import judge_folder  # noqa: E402
from mmm_blender.training.evaluation.report import (  # noqa: E402
    BEFORE,
    folder_report,
    goals_of,
    markdown_report,
    reached,
)
from mmm_blender.training.evaluation.suite import (  # noqa: E402
    QUICK,
    Sizes,
    load_material,
)

NO_BUNDLE = "none"
FIELD, SENTENCE, GOAL = "field", "sentences", "goals"
PARTS = (SENTENCE, GOAL, FIELD, VIEWINGS)


def parts_of(words: str) -> list[str]:
    """Parts of the report, in their order."""
    wanted = words.split(",")
    if unknown := set(wanted) - set(PARTS):
        raise argparse.ArgumentTypeError(f"there is no part {', '.join(sorted(unknown))}")
    return [part for part in PARTS if part in wanted]


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bundle", default=str(ROOT / "weights" / "starter"), help="or none")
    parser.add_argument("--data", type=Path, required=True, help="file of prepare_motions.py")
    parser.add_argument("--evaluator", type=Path, default=ROOT / "weights" / "evaluator")
    parser.add_argument("--published", type=Path, help="folder of the field's own evaluator")
    parser.add_argument("--json", type=Path, help="where the figures go")
    parser.add_argument("--join", action="store_true", help="keep what the JSON has of other parts")
    parser.add_argument("--before", type=Path, help="figures file of other weights, to compare")
    parser.add_argument("--markdown", type=Path, help="where the tables go, besides the screen")
    parser.add_argument("--only", type=parts_of, help=f"some of the parts: {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="few clips: does it run?")
    parser.add_argument("--seeds", type=int, help="of every sentence; 20 if not given")
    parser.add_argument("--windows", type=int, help="of each held-out set; a sixth of them edited")
    parser.add_argument("--moving", type=int, help="edits of clips that move; 96 if not given")
    parser.add_argument("--walks", type=int, help="paths followed, and edits that have to arrive")
    parser.add_argument(
        "--viewings", type=int, nargs="+", help="of twelve prompts, how many each viewer recognised"
    )
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def report_of(
    options: argparse.Namespace, generator: MotionPipeline | None
) -> tuple[dict[str, Any], str]:
    """The figures and their tables."""
    sizes = QUICK if options.quick else Sizes()
    if options.seeds:
        sizes = replace(sizes, prompt_seeds=options.seeds)
    if options.windows:
        sizes = replace(sizes, windows=options.windows, edits=options.windows // 6)
    if options.moving:
        sizes = replace(sizes, moving=options.moving)
    if options.walks:
        sizes = replace(sizes, walks=options.walks, arrivals=options.walks)
    if options.published:
        report = judge_folder(options.data, options.published, generator, sizes.motions)
        return report, folder_report(report)
    report: dict[str, Any] = {}
    for report in reports(options, generator, sizes):
        if options.json:  # after each part: hours are not lost with the last of them
            write_figures(options.json, report)
    return report, markdown_report(report)


def reports(
    options: argparse.Namespace, generator: MotionPipeline | None, sizes: Sizes
) -> Iterator[dict[str, Any]]:
    """The figures after each part, with those of the parts before it."""
    evaluator = load_evaluator(options.evaluator)
    material = load_material(options.data, evaluator)
    steps: dict[str, Callable[[], dict[str, Any]]] = {
        SENTENCE: lambda: sentence_report(generator, material, sizes),
        GOAL: lambda: goal_report(generator, material, sizes) if generator else {},
        FIELD: lambda: field_report(generator, evaluator, material, sizes),
        VIEWINGS: lambda: {VIEWINGS: options.viewings} if options.viewings else {},
    }
    report: dict[str, Any] = {"sets": {}, "evaluator": evaluator.hash, **whose(options, generator)}
    if options.join and options.json:
        report = joined(options.json, report)
    if options.before:
        report[BEFORE] = reached(read_figures(options.before))
    for part in options.only or PARTS:
        report |= steps[part]()
        report["goals"] = [goal.row for goal in goals_of(report)]
        yield report


def whose(options: argparse.Namespace, generator: MotionPipeline | None) -> dict[str, Any]:
    """Which weights are judged."""
    return {
        "bundle": generator.config.name if generator else NO_BUNDLE,
        BUNDLE_HASH: generator.bundle.hash if generator else "",
        QUICK_RUN: options.quick,
    }


def main() -> int:
    options = parse_options()
    torch.set_num_threads(options.threads)
    started = time.monotonic()
    generator = None
    if options.bundle != NO_BUNDLE:
        generator = MotionPipeline.load(Path(options.bundle), threads=options.threads)
    report, text = report_of(options, generator)
    report["minutes"] = round((time.monotonic() - started) / 60, 1)
    print(text)
    if options.json:
        write_figures(options.json, report)
    if options.markdown:
        make_folder(options.markdown.parent)
        write_files({options.markdown: (text + "\n").encode()})
    return 0


if __name__ == "__main__":
    run(main)
