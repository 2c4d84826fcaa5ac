"""Set Up: a virtual environment with torch for the worker, made in the background.

No bpy and no torch here. A folder of environments looks like this:

    FOLDER/ready.json      written last: names the environment that is whole
    FOLDER/setup.log       everything that the last set-up said
    FOLDER/env-XXXX/   the environment itself

A new one is made beside the old one and takes its place at the very end, so that a set-up that
fails, is cancelled or killed leaves what worked before. The old one stays until a later set-up,
because a worker may still run in it.

    setup = EnvironmentSetup(EnvironmentParams(folder, flavour=CUDA))
    setup.start()
    setup.progress        # from a timer: state, step of steps, what it does or why it failed
    environment_python(folder)
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from ..common.errors import MMMError
from .install_errors import failure_sentence, os_sentence
from .processes import KILL_SECONDS, kill_tree, no_window
from .python_probe import PROBE, report_of

CPU = "cpu"
CUDA = "cuda"
FLAVOURS = {
    CPU: "Processor, or Apple's GPU",
    CUDA: "NVIDIA GPU (CUDA)",
}
"""Builds of torch, with names for people. On a Mac the one build serves the CPU and MPS."""

PYTORCH_CUDA_INDEX = "https://download.pytorch.org/whl/cu126"
PYTORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
"""Asked beside PyPI on Linux, where PyPI's build brings gigabytes of CUDA."""

REQUIREMENTS = Path(__file__).resolve().parent / "requirements.txt"
LOG_NAME = "setup.log"

RUNNING, DONE, FAILED, CANCELLED = "running", "done", "failed", "cancelled"

_MARKER = "ready.json"
_PREFIX = "env-"
_DOOMED = "-old"
_TORCH = "torch=="
_NEEDED_GB = {CPU: 2.0, CUDA: 9.0}
_BYTES_A_GB = 1e9
_LEFTOVER_SECONDS = 6 * 3600.0  # a younger environment may be another Blender's, in the making
# they would send the packages elsewhere than into the environment
_MISLEADING_VARIABLES = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PYTHONHOME")
_CLEAN = ("-E", "-s", "-X", "utf8")  # without the person's own settings and site packages
_PIP = ("-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--no-color",
        "--progress-bar", "off", "--only-binary", ":all:", "--retries", "2")  # fmt: skip

_OWN_INDEX_KEYS = ("index-url", "extra-index-url", "find-links", "no-index")


@dataclass(frozen=True)
class EnvironmentParams:
    """What to make, and from where.

    folder: where environments lie. python: what it is made with (Blender's own by default).
    flavour: a key of FLAVOURS. index_url: the one index to ask, for all packages; "" for pip's
    configured one, or where none is configured PyPI with PyTorch's own index for the build that
    PyPI lacks. wheels: a folder of wheels; then no network is used at all.
    """

    folder: Path
    python: Path = Path(sys.executable)
    flavour: str = CPU
    index_url: str = ""
    wheels: Path | None = None


@dataclass(frozen=True)
class SetupProgress:
    """state: RUNNING, DONE, FAILED or CANCELLED. ``step`` of ``steps`` is under way.

    message: for the person: what is being done, or the sentence of the end. line: the last thing
    that pip said.
    """

    state: str
    step: int
    steps: int
    message: str
    line: str = ""


class _CancelledError(Exception):
    """The person wants no more of it."""


class EnvironmentSetup:
    """One set-up in a thread of its own; every method returns at once."""

    def __init__(self, params: EnvironmentParams) -> None:
        self.params = params
        self.progress = SetupProgress(RUNNING, 0, 0, "Starting")
        self.log_path = params.folder / LOG_NAME
        self._target = params.folder / f"{_PREFIX}{uuid.uuid4().hex[:4]}"
        self._python = str(_python_in(self._target))
        self._own_index = False
        self._cancelled = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()  # of _process, between its birth and a cancel
        self._log: IO[str] | None = None
        self._thread = threading.Thread(target=self._work, daemon=True, name="mmm-setup")

    def start(self) -> None:
        """Begin. Whatever goes wrong is said by ``progress``."""
        self._thread.start()

    def cancel(self) -> None:
        """Stop, and kill what runs; ``progress`` tells when it is over."""
        self._cancelled.set()
        with self._lock:
            if self._process is not None:
                kill_tree(self._process)

    def wait(self, timeout: float | None = None) -> SetupProgress:
        """For scripts: the end, or where it is after ``timeout`` seconds."""
        self._thread.join(timeout)
        return self.progress

    def _work(self) -> None:
        """Thread: all the steps, and what became of them."""
        try:
            self._open_log()
            self._steps()
            self._end(DONE, "The environment is ready.")
        except _CancelledError:
            self._end(CANCELLED, "The set-up was cancelled.")
        except MMMError as error:
            self._end(FAILED, str(error))
        except OSError as error:
            self._end(FAILED, os_sentence(error, self.params.folder))
        except Exception as error:  # noqa: BLE001  # thread boundary: else it seems to run for ever
            traceback.print_exc()
            self._end(FAILED, f"The set-up met an error of its own ({error!r}): please report it.")
        finally:
            if self._log is not None:
                self._log.close()

    def _open_log(self) -> None:
        self.params.folder.mkdir(parents=True, exist_ok=True)
        self._log = self.log_path.open("w", encoding="utf-8")

    def _steps(self) -> None:
        """Make, fill and check the environment, then let it take its place."""
        torch, others = _requirements()
        steps: list[tuple[str, Callable[[], None]]] = [
            ("Checking", self._check_params),
            ("Making the environment", self._make),
            ("Installing small packages", lambda: self._install("--no-deps", *others)),
            (f"Installing {torch}", lambda: self._install(torch)),
            ("Trying it out", self._try_out),
        ]
        for number, (message, step) in enumerate(steps, 1):
            self._stop_if_cancelled()
            self.progress = SetupProgress(RUNNING, number, len(steps), message)
            step()
        self._stop_if_cancelled()
        _mark_ready(self.params.folder, self._target)

    def _check_params(self) -> None:
        params = self.params
        if params.flavour not in FLAVOURS:
            raise MMMError(
                f"There is no build called {params.flavour}: use {' or '.join(FLAVOURS)}."
            )
        if params.wheels is not None and not any(params.wheels.glob("*.whl")):
            raise MMMError(f"The folder {params.wheels} holds no wheels: choose another one.")
        _remove_leftovers(params.folder)
        needed = _NEEDED_GB[params.flavour] if params.wheels is None else 0.0
        free = shutil.disk_usage(params.folder).free / _BYTES_A_GB
        if free < needed:
            raise MMMError(
                f"The environment needs {needed:g} GB on the disk of {params.folder} and "
                f"{free:.1f} GB are free: make room there."
            )

    def _make(self) -> None:
        self._run([str(self.params.python), *_CLEAN, "-m", "venv", str(self._target)])
        self._look_at_pip()

    def _install(self, *packages: str) -> None:
        source = package_source(
            self.params, torch=packages[0].startswith(_TORCH), own_index=self._own_index
        )
        self._run([self._python, *_CLEAN, *_PIP, *source, *packages])

    def _look_at_pip(self) -> None:
        """Whether the person, or the studio, has set where pip finds packages come from."""
        settings = self._run([self._python, *_CLEAN, "-m", "pip", "config", "list"])
        names = {line.partition("=")[0].rpartition(".")[2] for line in settings}
        self._own_index = not names.isdisjoint(_OWN_INDEX_KEYS)

    def _try_out(self) -> None:
        output = "\n".join(self._run([self._python, *_CLEAN, "-c", PROBE]))
        report = report_of(_python_in(self._target), output)
        if not report.usable:
            raise MMMError(report.reason)
        if self.params.flavour == CUDA and not report.cuda:
            raise MMMError(
                "The torch that was found there knows no CUDA: choose another index or folder of "
                "wheels, or the build for the processor."
            )

    def _run(self, command: Sequence[str]) -> list[str]:
        """Run one command to its end, its lines into the log and ``progress``."""
        self._note("$ " + " ".join(command))
        with self._lock:
            self._stop_if_cancelled()
            self._process = _open_process(command, self.params)
        assert self._process.stdout is not None
        lines: list[str] = []
        with self._process.stdout as output:
            for line in output:
                lines.append(line.strip())
                self._note(line.rstrip())
                self.progress = replace(self.progress, line=line.strip())
        status = self._process.wait()
        self._process = None
        self._stop_if_cancelled()
        if status:
            raise MMMError(failure_sentence(lines, status))
        return lines

    def _note(self, text: str) -> None:
        assert self._log is not None
        self._log.write(text + "\n")
        self._log.flush()

    def _stop_if_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise _CancelledError

    def _end(self, state: str, message: str) -> None:
        if self._process is not None:  # left running by a failure of our own
            kill_tree(self._process)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(KILL_SECONDS)
        if state != DONE:
            shutil.rmtree(self._target, ignore_errors=True)
        self.progress = replace(self.progress, state=state, message=message)


def environment_python(folder: Path) -> Path | None:
    """The Python of the environment in ``folder``; None until one was made to the end."""
    try:
        name = _current(folder)
    except OSError:
        return None
    python = _python_in(folder / name)
    return python if name and python.exists() else None


def _current(folder: Path) -> str:
    """Name of the environment that is whole; "" for none. OSError if that cannot be known."""
    try:
        marker: Any = json.loads((folder / _MARKER).read_text(encoding="utf-8"))
        return str(marker["environment"])
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return ""


def _requirements() -> tuple[str, list[str]]:
    """The pin of torch, and all the others."""
    lines = [line.strip() for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines()]
    pins = [line for line in lines if line and not line.startswith("#")]
    (torch,) = [pin for pin in pins if pin.startswith(_TORCH)]
    return torch, [pin for pin in pins if pin != torch]


def package_source(params: EnvironmentParams, torch: bool, own_index: bool) -> list[str]:
    """pip's options for where packages come from.

    torch: it is torch that is wanted. own_index: pip has an index of its own set, so
    PyTorch's own index is not asked without the person's knowledge.
    """
    if params.wheels is not None:
        return ["--no-index", "--find-links", str(params.wheels)]
    if params.index_url:
        return ["--index-url", params.index_url]
    if not torch or own_index:
        return []
    if params.flavour == CUDA:
        return ["--index-url", PYTORCH_CUDA_INDEX]
    if sys.platform == "linux":
        return ["--extra-index-url", PYTORCH_CPU_INDEX]
    return []


def _python_in(environment: Path) -> Path:
    if os.name == "nt":
        return environment / "Scripts" / "python.exe"
    return environment / "bin" / "python"


def _mark_ready(folder: Path, environment: Path) -> None:
    """From now on ``environment`` is the one."""
    beside = folder / (_MARKER + ".part")
    beside.write_text(json.dumps({"environment": environment.name}), encoding="utf-8")
    beside.replace(folder / _MARKER)


def _remove_leftovers(folder: Path) -> None:
    """Replaced and half-made environments of some hours ago."""
    current = _current(folder)
    newest = time.time() - _LEFTOVER_SECONDS
    for path in folder.glob(_PREFIX + "*"):
        if path.name == current:
            continue
        # one that Windows will not rename has a program running in it: it goes the next time
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < newest:
                doomed = path.rename(path.with_name(path.name.removesuffix(_DOOMED) + _DOOMED))
                shutil.rmtree(doomed, ignore_errors=True)


def _surroundings(params: EnvironmentParams) -> dict[str, str]:
    """Environment variables for pip: its own settings count, unless a source was chosen."""
    kept = {k: v for k, v in os.environ.items() if k not in _MISLEADING_VARIABLES}
    if params.wheels is None and params.index_url:
        # proxies and certificates still count; an empty variable would not beat pip's own files
        return kept | {"PIP_EXTRA_INDEX_URL": params.index_url, "PIP_NO_INDEX": "0"}
    if params.wheels is None:
        return kept
    alone = {k: v for k, v in kept.items() if not k.startswith("PIP_")}
    return alone | {"PIP_CONFIG_FILE": os.devnull}


def _open_process(command: Sequence[str], params: EnvironmentParams) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, encoding="utf-8", errors="replace", cwd=params.folder,
            env=_surroundings(params),
            start_new_session=os.name == "posix", creationflags=no_window(),
        )  # fmt: skip
    except OSError as error:
        raise MMMError(
            f"{command[0]} cannot be run ({error.strerror}): choose another Python."
        ) from error
