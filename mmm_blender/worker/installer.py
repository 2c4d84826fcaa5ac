"""Set Up: a virtual environment with torch for the worker, made in the background.

Generate works without it; it is for a GPU, published checkpoints, training and SMPL model files.
No bpy and no torch here. A new environment is made beside the old one and takes its place at the
very end, so that a set-up that fails, is cancelled or killed leaves what worked before. The old one
goes as soon as no worker runs in it. ``environments`` has what the folder looks like.

    setup = EnvironmentSetup(EnvironmentParams(folder, flavour=CUDA))
    setup.start()
    setup.progress        # from a timer: state, how far it is, what it does or why it failed
    environment_python(folder)
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import threading
import traceback
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from ..common.errors import MMMError
from . import cuda_builds, environments
from .download_meter import DownloadMeter
from .environments import LOG_NAME, PREFIX, environment_python, python_in
from .install_errors import NoBuildError, failure_sentence, os_sentence
from .package_sources import (
    CPU,
    CUDA,
    FLAVOURS,
    OWN_INDEX_KEYS,
    PYTORCH_CPU_INDEX,
    EnvironmentParams,
    check_wheels,
    cuda_packages,
    package_source,
    pip_variables,
)
from .processes import KILL_SECONDS, is_forbidden, kill_tree, no_window
from .python_probe import PROBE, report_of
from .setup_checks import DOWNLOAD_MB, check_system

__all__ = ["CPU", "CUDA", "FLAVOURS", "LOG_NAME", "EnvironmentParams", "environment_python"]

REQUIREMENTS = Path(__file__).resolve().parent / "requirements.txt"

RUNNING, DONE, FAILED, CANCELLED = "running", "done", "failed", "cancelled"

_TORCH = "torch=="
_REPORT = "report.json"
_CLEAN = ("-E", "-s", "-X", "utf8")  # without the person's own settings and site packages
_PIP = ("-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--no-color",
        "--progress-bar", "off", "--only-binary", ":all:", "--retries", "2")  # fmt: skip
_SHARES = (0.01, 0.06, 0.12, 0.95, 1.0)
"""Where the bar stands at the end of each step: most of it is torch's download."""
_DOWNLOADED = 0.75  # of the step of torch; the rest is unpacking


@dataclass(frozen=True)
class SetupProgress:
    """state: RUNNING, DONE, FAILED or CANCELLED. ``step`` of ``steps`` is under way.

    message: for the person: what is being done, or the sentence of the end. line: the last thing
    that pip said. fraction: of the whole, 0 to 1. amount: of the download, with the time left.
    """

    state: str
    step: int
    steps: int
    message: str
    line: str = ""
    fraction: float = 0.0
    amount: str = ""


class _CancelledError(Exception):
    """The person wants no more of it."""


class EnvironmentSetup:
    """One set-up in a thread of its own; every method returns at once."""

    def __init__(self, params: EnvironmentParams) -> None:
        self.params = params
        self.log_path = params.folder / LOG_NAME
        self._progress = SetupProgress(RUNNING, 0, 0, "Starting")
        self._target = params.folder / f"{PREFIX}{uuid.uuid4().hex[:4]}"
        self._temporary = params.folder / f"download-{self._target.name}"
        self._python = str(python_in(self._target))
        self._own_index = False
        self._torch_indexes: list[str] = []
        self._meter: DownloadMeter | None = None
        self._cancelled = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()  # of _process, between its birth and a cancel
        self._log: IO[str] | None = None
        self._thread = threading.Thread(target=self._work, daemon=True, name="mmm-setup")

    @property
    def progress(self) -> SetupProgress:
        """How far it is; while something is downloaded, looked up now."""
        progress, meter = self._progress, self._meter
        if meter is None or progress.state != RUNNING or not progress.step:
            return progress
        begun = ((0.0, *_SHARES))[progress.step - 1]
        share = (_SHARES[progress.step - 1] - begun) * _DOWNLOADED
        return replace(progress, fraction=begun + share * meter.fraction(), amount=meter.text())

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
                with contextlib.suppress(OSError):  # a full disk, which was said
                    self._log.close()

    def _open_log(self) -> None:
        self._temporary.mkdir(parents=True, exist_ok=True)
        self._log = self.log_path.open("w", encoding="utf-8")

    def _steps(self) -> None:
        """Make, fill and check the environment, then let it take its place."""
        torch, others = _requirements()
        steps: list[tuple[str, Callable[[], None]]] = [
            ("Checking", self._check_params),
            ("Making the environment", self._make),
            ("Installing small packages", lambda: self._install("--no-deps", *others)),
            (f"Installing {torch}", lambda: self._install_torch(torch)),
            ("Trying it out", self._try_out),
        ]
        for number, (message, step) in enumerate(steps, 1):
            self._stop_if_cancelled()
            begun = (0.0, *_SHARES)[number - 1]
            self._progress = SetupProgress(RUNNING, number, len(steps), message, "", begun)
            step()
        self._stop_if_cancelled()
        replaced = environments.current_name(self.params.folder)
        environments.mark_ready(self._target, self.params.flavour)
        environments.remove_leftovers(self.params.folder, replaced)

    def _check_params(self) -> None:
        params = self.params
        if params.flavour not in FLAVOURS:
            raise MMMError(
                f"There is no build called {params.flavour}: use {' or '.join(FLAVOURS)}."
            )
        if params.wheels is not None:
            check_wheels(params.wheels, sys.version_info[:2])
        environments.remove_leftovers(params.folder)
        check_system(params, self._target)
        if params.flavour == CUDA:
            builds = cuda_builds.builds_for(cuda_builds.find_cards()[0])
            self._torch_indexes = [build.index_url for build in builds]

    def _make(self) -> None:
        self._run([str(self.params.python), *_CLEAN, "-m", "venv", str(self._target)])
        self._look_at_pip()

    def _install(self, *packages: str, torch_index: str = "") -> None:
        source = package_source(self.params, self._own_index, torch_index)
        self._run([self._python, *_CLEAN, *_PIP, *source, *packages])

    def _install_torch(self, torch: str) -> None:
        """The build for this machine; never one with CUDA for the processor."""
        self._meter = DownloadMeter(self._temporary, DOWNLOAD_MB[self.params.flavour] * 1e6)
        try:
            if self.params.flavour == CPU:
                index = PYTORCH_CPU_INDEX if sys.platform == "linux" else ""
                self._refuse_cuda(torch, index)
                self._install("--no-deps", torch, torch_index=index)
                return
            for index in self._torch_indexes[:-1]:
                with contextlib.suppress(NoBuildError):
                    self._install(torch, torch_index=index)
                    return
            self._install(torch, torch_index=(self._torch_indexes or [""])[-1])
        finally:
            self._meter = None

    def _refuse_cuda(self, torch: str, index: str) -> None:
        """MMMError if what pip would install is made for CUDA; fetches metadata only."""
        report = self._temporary / _REPORT
        self._install("--dry-run", "--no-deps", "--report", str(report), torch, torch_index=index)
        found = cuda_packages(json.loads(report.read_text(encoding="utf-8")))
        if found:
            raise MMMError(
                f"Only a build of PyTorch with CUDA can be had there ({found[0]}), which is "
                "gigabytes that the processor does not need: name another index or a folder of "
                "wheels, or choose the build for NVIDIA."
            )

    def _look_at_pip(self) -> None:
        """Whether the person, or the studio, has set where pip finds packages come from."""
        settings = self._run([self._python, *_CLEAN, "-m", "pip", "config", "list"])
        names = {line.partition("=")[0].rpartition(".")[2] for line in settings}
        self._own_index = not names.isdisjoint(OWN_INDEX_KEYS)

    def _try_out(self) -> None:
        output = "\n".join(self._run([self._python, *_CLEAN, "-c", PROBE]))
        report = report_of(python_in(self._target), output)
        if not report.usable:
            raise MMMError(report.reason)
        if self.params.flavour == CUDA and not report.cuda:
            raise MMMError(
                "The torch that was found there knows no CUDA: choose another index or folder of "
                "wheels, or the build for the processor."
            )
        if self.params.flavour == CUDA and not report.working_cards:
            raise MMMError(f"{report.card_reason}: choose the build for the processor.")

    def _run(self, command: Sequence[str]) -> list[str]:
        """Run one command to its end, its lines into the log and ``progress``."""
        self._note("$ " + " ".join(command))
        with self._lock:
            self._stop_if_cancelled()
            self._process = _open_process(command, self.params, self._temporary)
        assert self._process.stdout is not None
        lines: list[str] = []
        with self._process.stdout as output:
            for line in output:
                lines.append(line.strip())
                self._note(line.rstrip())
                self._progress = replace(self._progress, line=line.strip())
                if self._meter is not None:
                    self._meter.hear(line.strip())
        status = self._process.wait()
        self._process = None
        self._stop_if_cancelled()
        if status:
            raise failure_sentence(lines, status)
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
        shutil.rmtree(self._temporary, ignore_errors=True)
        if state != DONE:
            shutil.rmtree(self._target, ignore_errors=True)
        fraction = 1.0 if state == DONE else self._progress.fraction
        self._progress = replace(self._progress, state=state, message=message, fraction=fraction)


def _requirements() -> tuple[str, list[str]]:
    """The pin of torch, and all the others."""
    lines = [line.strip() for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines()]
    pins = [line for line in lines if line and not line.startswith("#")]
    (torch,) = [pin for pin in pins if pin.startswith(_TORCH)]
    return torch, [pin for pin in pins if pin != torch]


def _open_process(
    command: Sequence[str], params: EnvironmentParams, temporary: Path
) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, encoding="utf-8", errors="replace", cwd=params.folder,
            env=pip_variables(params, temporary),
            start_new_session=sys.platform != "win32", creationflags=no_window(),
        )  # fmt: skip
    except OSError as error:
        if is_forbidden(error):
            raise MMMError(
                f"This computer does not let {command[0]} run ({error.strerror}): allow it in the "
                "antivirus or the policy that stops it, and press Set Up again."
            ) from error
        raise MMMError(
            f"{command[0]} cannot be run ({error.strerror}): choose another Python."
        ) from error
