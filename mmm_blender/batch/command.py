"""The command: options, the worker's Python, progress, exit codes."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from ..common.console import (
    ALL_MADE,
    INTERRUPTED,
    NOT_DONE,
    SOME_FAILED,
    speak_in_any_encoding,
)
from ..common.errors import MMMError
from ..common.package import PACKAGE_FOLDER
from ..common.schema import json_hash
from ..common.untrusted import file_bytes, json_value
from ..worker.client import WorkerClient
from ..worker.protocol import AUTO_DEVICE, MOST_TRIES
from .report import REPORT_NAME, Report
from .runner import Batch, BatchWorker, check_character, check_possible, known_formats
from .table import Row, chosen_rows, read_table
from .writers import WRITERS

PYTHON_VARIABLE = "MMM_WORKER_PYTHON"


DEFAULT_FPS = 30.0

ROOTS = {"keyed": "KEYED", "hips": "HIPS", "bone": "ROOT"}
"""What may carry the way over the ground in exported files, as the export has them."""


ROOT_MOTIONS = {"hips": "HIPS", "bone": "ROOT", "object": "OBJECT"}
"""What may carry the way over the ground of what is keyed, as the panel Rig has them."""

CONFIG_NAME = "config.json"
_MOST_CONFIG_BYTES = 2**20


STARTER = "starter"


COLUMNS_HELP = """\
columns of the CSV file, in any order; all but name may be missing or empty:
  name       of the files that are made
  prompt     what the body does; several, with | between them, make one motion in a row
             ("a person walks | a person waves"); of an edit also empty, for what fits in
  seconds    length, 4 if empty; of several prompts one number each: "3 | 2.5"
  seed       0 if empty; of several prompts one number each: "0 | 7"
  path       where the body goes: points on the ground such as "0,0 2,0 2,3" (Blender's x and y, in
             metres), or an object in a Blender file, as in scene.blend#Curve (a curve, a grease
             pencil stroke, an object to go to, or a collection of way-points); of an edit #Curve,
             in its own file; without seconds one prompt takes as long as the path does
  start      of a new motion: free (it may begin in mid-stride) or standing; free if empty
  end        of a new motion: free or standing; free if empty
  file       makes the row an edit of the motion in this .blend or .bvh file (from the CSV
             file's folder on), or of the motion that an earlier row makes, by its name
  range      of an edit: first and last frame to regenerate, such as 24-48 or -10--5;
             24..48 is the same, which no spreadsheet takes for a date; a BVH file begins at frame 1
  body_part  of an edit: all, upper or lower; all if empty
  hold       of an edit: the keys in the range that stay: auto (those edited by hand, where MMM made
             the motion), edited (those, however many), keyframe (keys of that type, as In-between
             does), none; auto if empty. Of a motion that looks retimed auto fails: say none
  recipe     makes the row a replay, without new choices, of this .json file (as the format
             recipe writes it) or of the Action in this .blend file; all other cells stay empty

Edits, recipes and paths in Blender files need Blender or bpy, and so do the formats blend, recipe,
fbx, glb and usd. Edits and recipes keep the frame rate of their file; an edited .blend file is
saved whole under the row's name, and stays as it is: no row may be written over a file that a row
begins with.
To edit what an earlier row makes, the formats must include blend.

On a farm each task makes some rows of the table (--rows 1:50, 51:100, 101:), all into one folder
and one report; a row that edits an earlier one is made after it.

exit status: 0 all rows are there; 1 some rows failed, as the report says; 2 nothing could be done:
the sentence says why, and the same again would not help; 130 stopped by Ctrl-C.
"""


def run(options: argparse.Namespace) -> int:
    """Make what is missing; returns how many rows failed."""
    rows = read_table(options.table)
    formats = known_formats(options.format)
    check_possible(options.table, rows, formats, options.out)
    if options.character is not None:
        check_character(options.character, rows, formats, options.out)
    made_with = {"weights": _fingerprint(options.bundle), "fps": options.fps}
    made_with |= _exported_with(options)
    if options.tries:
        made_with["claim_tries"] = options.tries
    report = Report(_made_folder(options.out) / REPORT_NAME)
    recipes = {row.name: row.recipe | made_with for row in rows}
    mine = chosen_rows(options.table, rows, options.rows)
    todo = [row for row in mine if not report.is_done(row.name, recipes[row.name], formats)]
    if len(todo) < len(mine):
        print(f"{len(mine) - len(todo)} of {len(mine)} are done already.", flush=True)
    python = _found(options.python or _worker_python())
    worker = BatchWorker(WorkerClient(python), options.device, options.threads)
    made = (worker, options.bundle, options.fps, formats, report, recipes, _say)
    batch = Batch(
        *made,
        t_pose=options.t_pose,
        root=ROOTS[options.root],
        character=options.character,
        root_motion=ROOT_MOTIONS.get(options.root_motion, ""),
        claim_tries=options.tries,
    )
    try:
        with _with_bar(todo) as bar:
            failed = sum(not batch.make(row) for row in bar)
    finally:
        worker.client.stop()
    print(f"{len(todo) - failed} made, {failed} failed; see {report.path}", flush=True)
    return failed


def main(arguments: Sequence[str], program: str) -> int:
    """Run from the command line; returns the exit status. program: what the user typed."""
    speak_in_any_encoding()
    options = parse(arguments, program)
    try:
        failed = run(options)
    except MMMError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return NOT_DONE
    except KeyboardInterrupt:
        print(f"{program}: stopped; run it again to go on.", file=sys.stderr)
        return INTERRUPTED
    return SOME_FAILED if failed else ALL_MADE


def parse(arguments: Sequence[str], program: str) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Make many motions.",
        epilog=COLUMNS_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    table = parser.add_mutually_exclusive_group(required=True)
    table.add_argument(
        "table", nargs="?", type=Path, metavar="TABLE", help="CSV file, a row a clip"
    )
    table.add_argument("--prompts", type=Path, help="the same file")
    parser.add_argument("--out", type=Path, required=True, help="folder for the files")
    parser.add_argument("--format", default="blend", help=f"of {', '.join(WRITERS)}, with commas")
    parser.add_argument("--bundle", type=Path, default=_starter(), help="folder of the weights")
    parser.add_argument("--python", type=Path, help="Python that runs the model")
    parser.add_argument("--device", default=AUTO_DEVICE, help="auto, cpu, cuda:0, mps, ...")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads, 0 for one a core")
    parser.add_argument("--rows", default=":", metavar="A:B", help="rows A to B alone, from 1 on")
    parser.add_argument("--fps", type=_rate, default=DEFAULT_FPS, help="of what is generated")
    parser.add_argument(
        "--tries",
        type=int,
        choices=range(MOST_TRIES + 1),
        default=0,
        metavar="N",
        help=f"motions tried, at most {MOST_TRIES}, until one shows what its prompt says; 0 for as "
        "many as the weights ask for",
    )
    parser.add_argument(
        "--character",
        type=Path,
        metavar="FILE.blend",
        help="blend, fbx, glb, usd: key new motions on the character of this file, whatever known "
        "rig it has, in its scene and at its frame rate",
    )
    parser.add_argument(
        "--root-motion",
        choices=ROOT_MOTIONS,
        help="blend, fbx, glb, usd: what carries the way of new motions; if not given, what the "
        "panel Rig of the character says, else the hips",
    )
    parser.add_argument(
        "--t-pose", action="store_true", help="bvh, fbx, glb, usd: a T-pose on the first frame"
    )
    parser.add_argument(
        "--root",
        choices=ROOTS,
        default="keyed",
        help="fbx, glb, usd: what carries the way in the exported file, whatever it is keyed on",
    )
    options = parser.parse_args(arguments)
    options.table = options.table or options.prompts
    return options


def _exported_with(options: argparse.Namespace) -> dict[str, object]:
    """What decides exported files beside the rows; nothing where it is as ever, so that reports of
    earlier versions count."""
    given = {"t_pose": options.t_pose or None, "root": ROOTS[options.root]}
    given["character"] = options.character and _digest(options.character)
    given["root_motion"] = options.root_motion
    usual = {"t_pose": None, "root": ROOTS["keyed"], "character": None, "root_motion": None}
    return {key: value for key, value in given.items() if value != usual[key]}


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _rate(text: str) -> float:
    lowest, highest = 1.0, 1000.0
    if not lowest <= float(text) <= highest:
        raise argparse.ArgumentTypeError(f"{text} is not between {lowest:g} and {highest:g}")
    return float(text)


def _starter() -> Path:
    """The weights that come with the package: inside it when installed, beside it in a checkout."""
    folders = [folder / "weights" / STARTER for folder in (PACKAGE_FOLDER, PACKAGE_FOLDER.parent)]
    return next((folder for folder in folders if folder.is_dir()), folders[-1])


def _fingerprint(bundle: Path) -> str:
    """What stands for the weights: the hash of their config, which holds those of the files."""
    try:
        return json_hash(json_value(file_bytes(bundle / CONFIG_NAME, _MOST_CONFIG_BYTES)))
    except ValueError:
        return ""  # damaged: the worker says what is wrong with it
    except OSError as error:
        raise MMMError(
            f"There are no weights in {bundle} (no {CONFIG_NAME}): choose another folder."
        ) from error


def _made_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MMMError(
            f"The folder {folder} cannot be made ({error.strerror}): choose another."
        ) from error
    if not os.access(folder, os.W_OK):
        raise MMMError(f"The folder {folder} cannot be written to: choose another.")
    return folder


def _worker_python() -> Path:
    """Which Python runs the worker when the command line does not say."""
    if named := os.environ.get(PYTHON_VARIABLE):
        return Path(named)
    if not inside_blender():
        return Path(sys.executable)
    from ..blender.addon.worker_python import worker_python  # noqa: PLC0415  # needs bpy

    python, reason = worker_python()
    if python is None:
        raise MMMError(f"{reason} Or name a Python that can run it with --python.")
    return python


def _found(python: Path) -> Path:
    """Where a Python that is named without a folder lies; the add-on wants its file."""
    return Path(shutil.which(python) or python)


def _tqdm() -> Any:
    """The progress bar's package, or None: Blender's own Python has none."""
    try:
        import tqdm  # noqa: PLC0415  # optional
    except ImportError:
        return None
    return tqdm.tqdm


def _with_bar(rows: Sequence[Row]) -> AbstractContextManager[Iterable[Row]]:
    """The rows with a progress bar, or with a line each where there is none."""
    bar = _tqdm()
    return bar(rows, unit="clip", disable=not rows) if bar else nullcontext(_with_lines(rows))


def _say(sentence: str) -> None:
    """Tell what went wrong, on a line of its own above the bar."""
    bar = _tqdm()
    if bar:
        bar.write(sentence, file=sys.stderr)
    else:
        print(sentence, file=sys.stderr, flush=True)


def _with_lines(rows: Sequence[Row]) -> Iterator[Row]:
    for number, row in enumerate(rows, 1):
        print(f"{number}/{len(rows)} {row.name}: {row.title}", flush=True)
        yield row


def inside_blender() -> bool:
    """Whether this Python is Blender's, or has loaded Blender's module."""
    return sys.modules.get("bpy") is not None


def arguments_of() -> list[str]:
    """What follows "--" in Blender's command line, or all of Python's own."""
    if "--" in sys.argv:
        return sys.argv[sys.argv.index("--") + 1 :]
    return [] if inside_blender() else sys.argv[1:]
