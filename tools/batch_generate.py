"""Make many motions without a window: one row of a CSV file a clip.

    blender -b -P tools/batch_generate.py -- --prompts FILE.csv --out DIR --format blend,bvh,npz
    python tools/batch_generate.py --prompts FILE.csv --out DIR --format bvh,npz

The file's columns are name, prompt, seconds, seed; the last two may be empty or missing. A second
run makes only what is not there yet or has changed. DIR/report.json tells of every clip. The exit
status is 1 when any row failed. The worker's Python is --python, else $MMM_WORKER_PYTHON, else what
the add-on's preferences say (in Blender), else this Python.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NoReturn

TOOLS = Path(__file__).resolve().parent
ROOT = TOOLS.parent
PACKAGE = "mmm_blender"


def _find_package() -> None:
    """Make ``import mmm_blender`` work: as the enabled extension, which has the person's settings,
    or from this checkout."""
    sys.path.insert(0, str(TOOLS))
    installed = next((name for name in sys.modules if name.endswith(f".{PACKAGE}")), None)
    if installed is None:
        sys.path.insert(0, str(ROOT))
        return
    for name in [name for name in sys.modules if name.startswith(installed)]:
        sys.modules.setdefault(PACKAGE + name.removeprefix(installed), sys.modules[name])


_find_package()

from _batch_files import WRITERS, write_files  # noqa: E402
from _batch_report import Report  # noqa: E402
from _batch_table import Row, read_table  # noqa: E402

from mmm_blender.geometry.errors import MMMError  # noqa: E402
from mmm_blender.worker.client import WorkerClient  # noqa: E402
from mmm_blender.worker.protocol import (  # noqa: E402
    AUTO_DEVICE,
    BUNDLE,
    ENVIRONMENT,
    PACKAGE_FOLDER,
    Generate,
    LoadBundle,
    WorkerError,
)

PYTHON_VARIABLE = "MMM_WORKER_PYTHON"
REPORT_NAME = "report.json"
DEFAULT_FPS = 30.0
CONFIG_NAME = "config.json"
STARTER = "starter"
INTERRUPTED = 130  # the shells' exit status for Ctrl-C

_HOPELESS = (ENVIRONMENT, BUNDLE)
"""Failures that every other row would meet too."""


def main(arguments: Sequence[str]) -> int:
    """Run from the command line; returns the exit status."""
    options = _parse(arguments)
    try:
        failed = run(options)
    except MMMError as error:
        print(f"batch_generate: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("batch_generate: stopped; run it again to go on.", file=sys.stderr)
        return INTERRUPTED
    return int(failed > 0)


def run(options: argparse.Namespace) -> int:
    """Make what is missing; returns how many rows failed."""
    rows = read_table(options.prompts)
    formats = _formats(options.format)
    weights = _fingerprint(options.bundle)
    report = Report(_made_folder(options.out) / REPORT_NAME)
    made_with = {"weights": weights, "fps": options.fps}
    recipes = {row.name: row.recipe | made_with for row in rows}
    todo = [row for row in rows if not report.is_done(row.name, recipes[row.name], formats)]
    if len(todo) < len(rows):
        print(f"{len(rows) - len(todo)} of {len(rows)} are done already.", flush=True)
    batch = Batch(options, formats, report)
    try:
        with _with_bar(todo) as bar:
            failed = sum(not batch.make(row, recipes[row.name]) for row in bar)
    finally:
        batch.client.stop()
    print(f"{len(todo) - failed} made, {failed} failed; see {report.path}", flush=True)
    return failed


class Batch:
    """One worker and one folder, for row after row."""

    def __init__(self, options: argparse.Namespace, formats: Sequence[str], report: Report) -> None:
        self.client = WorkerClient(options.python or _worker_python())
        self._bundle = LoadBundle(str(options.bundle), options.device, options.threads)
        self._fps = float(options.fps)
        self._formats = formats
        self._report = report

    def make(self, row: Row, recipe: dict[str, object]) -> bool:
        """Make one clip and note it; False when it failed. MMMError when all others would too."""
        started = time.perf_counter()
        request = Generate(self.client.new_job(), row.prompt, row.seconds, row.seed)
        try:
            answer = self.client.run_blocking(request, self._bundle)
            folder = self._report.path.parent
            files = write_files(answer, self._fps, folder, row.name, self._formats)
        except MMMError as error:
            sentence = f"row '{row.name}' (line {row.line}): {error}"
            if isinstance(error, WorkerError) and error.kind in _HOPELESS:
                raise MMMError(sentence) from error
            _say(f"batch_generate: {sentence}")
            self._report.failed(row.name, recipe, str(error))
            return False
        self._report.done(row.name, recipe, files, time.perf_counter() - started)
        return True


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="batch_generate", description="Make many motions.")
    parser.add_argument("--prompts", type=Path, required=True, help="CSV: name,prompt,seconds,seed")
    parser.add_argument("--out", type=Path, required=True, help="folder for the files")
    parser.add_argument("--format", default="blend", help="of blend, bvh and npz, with commas")
    parser.add_argument("--bundle", type=Path, default=_starter(), help="folder of the weights")
    parser.add_argument("--python", type=Path, help="Python that has torch")
    parser.add_argument("--device", default=AUTO_DEVICE, help="auto, cpu, cuda:0, mps, ...")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads, 0 for torch's choice")
    parser.add_argument("--fps", type=_rate, default=DEFAULT_FPS, help="of keys and BVH files")
    return parser.parse_args(arguments)


def _rate(text: str) -> float:
    lowest, highest = 1.0, 1000.0
    if not lowest <= float(text) <= highest:
        raise argparse.ArgumentTypeError(f"{text} is not between {lowest:g} and {highest:g}")
    return float(text)


def _starter() -> Path:
    """The weights that come with the package: inside it when installed, beside it in a checkout."""
    folders = [folder / "weights" / STARTER for folder in (PACKAGE_FOLDER, PACKAGE_FOLDER.parent)]
    return next((folder for folder in folders if folder.is_dir()), folders[-1])


def _formats(text: str) -> list[str]:
    """The formats in ``text``, each once; MMMError for one that cannot be written here."""
    wanted = list(dict.fromkeys(word.strip() for word in text.split(",")))
    if odd := [kind for kind in wanted if kind not in WRITERS]:
        raise MMMError(f"The format {odd[0]!r} is not known: use {', '.join(WRITERS)}.")
    if "blend" in wanted and importlib.util.find_spec("bpy") is None:
        raise MMMError(
            "This Python has no bpy for .blend files: run it in Blender, or leave out blend."
        )
    return wanted


def _fingerprint(bundle: Path) -> str:
    """What stands for the weights: SHA-256 of their config, which holds those of the files."""
    try:
        return hashlib.sha256((bundle / CONFIG_NAME).read_bytes()).hexdigest()
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
    if not _in_blender():
        return Path(sys.executable)
    from mmm_blender.blender.preferences import worker_python  # noqa: PLC0415  # needs bpy

    python, reason = worker_python()
    if python is None:
        raise MMMError(f"{reason} Or name a Python that has torch with --python.")
    return python


def _tqdm() -> Any:
    """The progress bar's package, or None: Blender's own Python has none."""
    if importlib.util.find_spec("tqdm") is None:
        return None
    import tqdm  # noqa: PLC0415  # optional

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
        print(f"{number}/{len(rows)} {row.name}: {row.prompt}", flush=True)
        yield row


def _in_blender() -> bool:
    return sys.modules.get("bpy") is not None


def _arguments() -> list[str]:
    """What follows "--" in Blender's command line, or all of Python's own."""
    if "--" in sys.argv:
        return sys.argv[sys.argv.index("--") + 1 :]
    return [] if _in_blender() else sys.argv[1:]


def _leave(status: int) -> NoReturn:
    """End the program. When a script exits, Blender frees the add-ons' classes before the add-ons
    unregister them, which ends in a traceback: they had better do it now."""
    if _in_blender():
        importlib.import_module("addon_utils").disable_all()
    sys.exit(status)


if __name__ == "__main__":
    _leave(main(_arguments()))
