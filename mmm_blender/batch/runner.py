"""One row of a batch after another, through one worker."""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..common.console import interrupts_wait
from ..common.errors import MMMError
from ..worker.client import WorkerClient
from ..worker.protocol import (
    FailureKind,
    Generate,
    GenerateSequence,
    LoadBundle,
    WorkerError,
)
from .cells import end_conditions
from .product import Product
from .report import REPORT_NAME, Report, file_name
from .table import ClipRow, EditRow, ReplayRow, Row, SequenceRow, Source, on_disk
from .writers import NEED_BPY, WRITERS, write_files

if TYPE_CHECKING:
    from ..blender.jobs.worker_access import WorkerAccess

BLEND = "blend"

Recipe = dict[str, object]
"""What decides a row's files."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class BatchWorker:
    """The worker of a batch. client: what talks to it. load_bundle: the message that loads the
    bundle in a folder on the device that was chosen."""

    client: WorkerClient
    device: str
    threads: int

    def load_bundle(self, folder: str) -> LoadBundle:
        """The message that loads the bundle in a folder."""
        return LoadBundle(folder, self.device, self.threads)


def check_character(file: Path, rows: Sequence[Row], formats: Sequence[str], out: Path) -> None:
    """MMMError where a file is none of Blender's, or a row would be written over it."""
    if file.suffix.lower() != ".blend" or not file.is_file():
        raise MMMError(f"{file} is no Blender file: name a .blend file with a character.")
    if _file(file) in {_file(out / file_name(row.name, kind)) for row in rows for kind in formats}:
        raise MMMError(f"{file} would be written over: choose another --out.")


def check_possible(table: Path, rows: Sequence[Row], formats: Sequence[str], out: Path) -> None:
    """MMMError for the first thing that cannot be made here. out: folder for the files."""
    has_bpy = importlib.util.find_spec("bpy") is not None
    if not has_bpy and (odd := [kind for kind in formats if kind in NEED_BPY]):
        raise MMMError(
            f"This Python has no bpy for the format {odd[0]}: run it in Blender, or leave out "
            f"{odd[0]}."
        )
    if has_bpy and ({*NEED_BPY} & {*formats} or any(needs_blender(row) for row in rows)):
        with interrupts_wait():
            importlib.import_module("bpy")
    for row in rows:
        where = f"{table}, line {row.line}"
        if not has_bpy and needs_blender(row):
            raise MMMError(
                f"{where}: this Python has no bpy for edits, recipes and paths in Blender files: "
                "run it in Blender, or leave the row out."
            )
        if isinstance(row, EditRow) and not isinstance(row.source, Source) and BLEND not in formats:
            raise MMMError(
                f"{where}: '{row.name}' edits '{row.source.name}', which has to be a Blender file: "
                f"add {BLEND} to --format."
            )
        if isinstance(row, ReplayRow):
            _check_recipe(where, row)
    _check_sources_stay(table, rows, formats, out)


def _check_sources_stay(
    table: Path, rows: Sequence[Row], formats: Sequence[str], out: Path
) -> None:
    """MMMError where a file that a row begins with would be written over."""
    written = {_file(out / REPORT_NAME): "the report"} | {
        _file(out / file_name(row.name, kind)): f"row '{row.name}' (line {row.line})"
        for row in rows
        for kind in formats
    }
    for row in rows:
        begun = _file_begun_with(row)
        if begun is not None and (writer := written.get(_file(begun))):
            raise MMMError(
                f"{table}, line {row.line}: '{row.name}' begins with {begun}, and {writer} "
                "would be written over it: give the row another name, or choose another --out."
            )


def _file_begun_with(row: Row) -> Path | None:
    """The file that a row reads; None where it reads none."""
    if isinstance(row, ClipRow | SequenceRow):
        return None if row.path is None else row.path.file
    return row.source.path if isinstance(row.source, Source) else None


def _file(path: Path) -> str:
    return on_disk(str(path.resolve()))


def needs_blender(row: Row) -> bool:
    """Blender makes the row, whatever its formats are."""
    return isinstance(row, EditRow | ReplayRow) or _file_begun_with(row) is not None


def _check_recipe(where: str, row: ReplayRow) -> None:
    if row.source.path.suffix.lower() != ".json":
        return
    from .scene import read_recipe  # noqa: PLC0415  # needs bpy

    try:
        read_recipe(row.source.path)
    except MMMError as error:
        raise MMMError(f"{where}: {error}") from error


def worker_access(worker: BatchWorker) -> WorkerAccess:
    """A session of the batch's own for jobs in Blender, with the batch's worker."""
    from ..blender.jobs.session import WorkerSession  # noqa: PLC0415  # needs bpy
    from ..blender.jobs.worker_access import WorkerAccess  # noqa: PLC0415

    session = WorkerSession(connect=lambda _python: worker.client)
    return WorkerAccess(session, lambda: worker.client.python, worker.load_bundle)


@dataclass(frozen=True, eq=False)
class Batch:
    """What is the same for every row. bundle: folder of the weights. fps: of what is generated.
    recipes: by the rows' names. t_pose, root, character, root_motion: as ``Product`` has them.
    claim_tries: for what a prompt claims, 0 for the weights' own number."""

    worker: BatchWorker
    bundle: Path
    fps: float
    formats: Sequence[str]
    report: Report
    recipes: Mapping[str, Recipe]
    say: Say
    t_pose: bool = False
    root: str = "KEYED"
    character: Path | None = None
    root_motion: str = ""
    claim_tries: int = 0

    def make(self, row: Row) -> bool:
        """Make one clip and note it; False when it failed. MMMError when all others would too."""
        started = time.perf_counter()
        try:
            product = replace(
                self._product(row),
                t_pose=self.t_pose,
                root=self.root,
                character=self.character,
                root_motion=self.root_motion,
            )
            files = write_files(product, self.report.path.parent, row.name, self.formats)
        except Exception as error:  # noqa: BLE001  # a process boundary: others go on
            self._failed(row, error)
            return False
        for note in product.notes:
            self.say(f"{_where(row)}: {note}")
        took = time.perf_counter() - started
        self.report.done(row.name, self.recipes[row.name], files, took, product.notes)
        return True

    def _failed(self, row: Row, error: Exception) -> None:
        """Note and tell it. MMMError where every other row would meet the same."""
        reason = _reason(error)
        self.report.failed(row.name, self.recipes[row.name], reason)
        sentence = f"{_where(row)}: {reason}"
        if _is_hopeless(row, error):
            raise MMMError(sentence) from error
        self.say(f"batch_generate: {sentence}")

    def _product(self, row: Row) -> Product:
        if isinstance(row, ClipRow | SequenceRow):
            wanted = self.worker.load_bundle(str(self.bundle))
            return Product.of(self.worker.client.run_blocking(self._message(row), wanted))
        from .scene import edited, replayed  # noqa: PLC0415  # need bpy

        if isinstance(row, EditRow):
            return edited(row, self._edited_file(row), self.bundle, self._access, self.claim_tries)
        return replayed(row, self.bundle, self._access)

    @cached_property
    def _rate(self) -> float:
        """Frames per second of new motions: those of the file whose character they go to, so that a
        replay there makes the same keys."""
        if self.character is None or not {*NEED_BPY} & {*self.formats}:
            return self.fps
        from .new_character import rate_of  # noqa: PLC0415  # needs bpy

        return rate_of(self.character)

    def _message(self, row: ClipRow | SequenceRow) -> Generate | GenerateSequence:
        fps = self._rate
        walked = {} if row.path is None else row.path.conditions(fps)
        how: dict[str, Any] = {"fps": fps, "conditions": walked | end_conditions(row.ends)}
        if self.claim_tries:
            how["sampler"] = {"claim_tries": self.claim_tries}
        if isinstance(row, ClipRow):
            return Generate(row.prompt, row.seconds, row.seed, **how)
        return GenerateSequence(row.prompts, row.seconds, row.seeds, **how)

    @cached_property
    def _access(self) -> WorkerAccess:
        return worker_access(self.worker)

    def _edited_file(self, row: EditRow) -> Path:
        source = row.source
        if isinstance(source, Source):
            return source.path
        if not self.report.is_done(source.name, self.recipes[source.name], [BLEND]):
            raise MMMError(
                f"The row '{source.name}' that it edits is not there: see what was said of it, or "
                "make it first."
            )
        return self.report.path.parent / file_name(source.name, BLEND)


def _where(row: Row) -> str:
    return f"row '{row.name}' (line {row.line})"


def _reason(error: Exception) -> str:
    """Why a row failed, in one line."""
    if isinstance(error, MMMError):
        return str(error)
    first_line = next(iter(str(error).splitlines()), "")
    return f"It ended in an error that nobody has foreseen ({type(error).__name__}: {first_line})."


def _is_hopeless(row: Row, error: Exception) -> bool:
    """Whether every other row would fail like this one. A recipe has weights of its own."""
    kinds = {FailureKind.ENVIRONMENT}
    if not isinstance(row, ReplayRow):
        kinds.add(FailureKind.BUNDLE)
    return isinstance(error, WorkerError) and error.kind in kinds


def known_formats(text: str) -> list[str]:
    """The formats in ``text``, each once; MMMError for one that nobody knows."""
    wanted = list(dict.fromkeys(word.strip() for word in text.split(",")))
    if odd := [kind for kind in wanted if kind not in WRITERS]:
        raise MMMError(f"The format {odd[0]!r} is not known: use {', '.join(WRITERS)}.")
    return wanted
