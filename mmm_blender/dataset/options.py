"""The command line of ``tools/generate_dataset.py``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..common.package import PACKAGE_FOLDER

LOCAL = "local"
FORMATS = ("npz", "bvh")
_WEIGHTS = PACKAGE_FOLDER.parent / "weights"

_BATCH = "clips at once, of like lengths; with more than 1, which is for GPUs, a clip's tokens may \
hang on its neighbours by rounding"
_EPILOG = """\
the table: CSV, JSON lines (.jsonl) or Parquet, of any length, with these columns:
  prompt   what the body does
  name     what the clip is called; made of prompt and seconds where it is missing
  seconds  length, 4 if empty
  seed     0 if empty
A clip is known by its name, its seed and the bundle: a row that repeats both is made once.

DIR/shards has the clips, DIR/report.json tells what was done, DIR/failures.jsonl names every row
that was not made. A second run goes on where one was stopped.

exit status: 0 all rows are settled; 1 some rows failed; 2 nothing could be done, or not all: the
sentence says why; 130 stopped by Ctrl-C.
"""


def parse(arguments: Sequence[str], program: str) -> argparse.Namespace:
    """Options as a namespace; leaves the program where they are wrong."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Make a data set of motions, on this machine or on many.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--prompts", type=Path, required=True, metavar="FILE", help="table, a row a clip")
    add("--out", type=Path, required=True, metavar="DIR", help="folder that all machines share")
    add("--bundle", type=Path, default=_WEIGHTS / "starter", help="weights, there on all machines")
    add("--ray", default=LOCAL, metavar="local|ADDRESS", help="this machine, or a Ray cluster")
    add(
        "--actors",
        type=_count,
        default=0,
        help="processes; as many as there is room for if left out",
    )
    add("--per-actor-batch", type=_count, default=1, metavar="N", help=_BATCH)
    add("--threads-per-actor", type=_count, default=1, metavar="N", help="CPU threads of each")
    add(
        "--gpus-per-actor", type=_share, default=0.0, metavar="F", help="such as 0.5; 0: CPUs alone"
    )
    add("--rows-per-shard", type=_count, default=128, metavar="N", help="clips of a file")
    add("--format", default="", help="tar beside each shard, of npz, bvh or both, with a comma")
    add("--fps", type=float, default=0.0, help="0 for the bundle's own")
    add("--no-pin-feet", action="store_true", help="leave feet where the model put them")
    only = parser.add_argument_group("only what passes (figures of all clips are stored anyway)")
    add = only.add_argument
    add("--max-foot-slide", type=float, metavar="CM_S", help="mean speed of feet that stand")
    add("--min-similarity", type=float, metavar="COS", help="of prompt and motion, -1 to 1")
    add("--min-copy-distance", type=float, metavar="MM", help="to the nearest training clip")
    add("--evaluator", type=Path, help="folder of the judge of prompts")
    add("--training-set", type=Path, metavar="FILE", help="of tools/prepare_motions.py")
    options = parser.parse_args(arguments)
    _check(parser, options)
    return options


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    options.formats = tuple(dict.fromkeys(filter(None, options.format.split(","))))
    if odd := [kind for kind in options.formats if kind not in FORMATS]:
        parser.error(f"--format {odd[0]!r} is not known: use {', '.join(FORMATS)}")
    if options.min_copy_distance is not None and options.training_set is None:
        parser.error("--min-copy-distance needs --training-set, to which clips are compared")
    if options.min_similarity is not None and options.evaluator is None:
        options.evaluator = _WEIGHTS / "evaluator"
    if not 0 <= options.fps <= 1000:
        parser.error(f"--fps {options.fps:g} is not between 0 and 1000")


def _count(text: str) -> int:
    if not 1 <= int(text) <= 10**6:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and a million")
    return int(text)


def _share(text: str) -> float:
    if not 0 <= float(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 64")
    return float(text)
