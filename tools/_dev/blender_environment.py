"""A Python for a version of Blender, and an environment of its own with that version's bpy.

The package and what it needs are put into .venv-bpy-VERSION, made with a Python that fits. Torch
stays in .venv, whose Python is the worker's, as on an animator's machine.
"""

import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from _dev import bootstrap
from _dev.bootstrap import REQUIREMENTS, ROOT, environment_python, site_packages, stop
from packaging.requirements import Requirement

# The Python that each Blender is built for.
PYTHON_OF_BLENDER = {"4.2.23": (3, 11), "4.5.15": (3, 11), "5.0.1": (3, 11), "5.2.3": (3, 13)}

LINUX_PLATFORMS = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")


@dataclass(frozen=True)
class Interpreter:
    """How a Python is started (inside a root there are words before it), and its version."""

    command: tuple[str, ...]
    version: tuple[int, int]

    @property
    def label(self) -> str:
        """Version as pip writes it."""
        return f"{self.version[0]}.{self.version[1]}"

    @property
    def is_running(self) -> bool:
        """Whether it is the Python of this process."""
        return self.command == (sys.executable,)


def find_interpreter(version: tuple[int, int], root: Path | None) -> Interpreter:
    """This Python, one on PATH, one of pyenv's, or the one in the root."""
    label = f"{version[0]}.{version[1]}"
    if sys.version_info[:2] == version:
        return Interpreter((sys.executable,), version)
    for candidate in _pythons_of_this_machine(label):
        if _starts(candidate):
            return Interpreter((candidate,), version)
    if root is None or not (root / "usr" / "bin" / f"python{label}").exists():
        stop(f"this Blender needs Python {label}: put python{label} on PATH or name a --root.")
    worker = Path(sys.prefix).resolve()  # .venv may be a link to that of another checkout
    inside = [str(ROOT / "tests" / "ui" / "in_root.sh"), str(root), str(ROOT), str(worker)]
    if not Path(sys.base_prefix).is_relative_to("/usr"):
        inside.append(sys.base_prefix)
    return Interpreter((*inside, "--", f"/usr/bin/python{label}"), version)


def provide_environment(version: str, interpreter: Interpreter) -> Interpreter:
    """The interpreter of .venv-bpy-VERSION, which is made here, again where it was half-made."""
    folder = ROOT / f".venv-bpy-{version}"
    inside = Interpreter(
        (*interpreter.command[:-1], str(environment_python(folder))), interpreter.version
    )
    stamp = folder / ".mmm-stamp"
    wanted = bootstrap.requirements_hash(f"{version} {interpreter}")
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return inside
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([*interpreter.command, "-m", "venv", "--without-pip", str(folder)], check=True)
    packages = site_packages(folder, interpreter.label)
    wanted_packages = _packages_for(version, interpreter)
    bootstrap.pip_install([sys.executable], "--target", str(packages), *wanted_packages)
    if interpreter.is_running:
        (packages / "shared.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    stamp.write_text(wanted, encoding="utf-8")
    return inside


def _packages_for(version: str, interpreter: Interpreter) -> list[str]:
    """Arguments of pip: only bpy where .venv's own Python runs it, which lends the rest."""
    if interpreter.is_running:
        return ["--no-deps", f"bpy=={version}"]
    files = [REQUIREMENTS / name for name in ("run.txt", "blender.txt")]
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    requirements = [Requirement(line) for line in lines if line and line[0] not in "#-"]
    python = {"python_version": interpreter.label}
    wanted = [
        f"{each.name}{each.specifier}"
        for each in requirements
        if each.name != "bpy" and (each.marker is None or each.marker.evaluate(python))
    ]
    other_python = ["--only-binary=:all:", "--python-version", interpreter.label, *_platforms()]
    # pip compares what a package asks for with its own Python, whatever Python is named.
    return [*other_python, "--ignore-requires-python", f"bpy=={version}", *wanted]


def _platforms() -> list[str]:
    """pip's names of this machine: bpy's newer wheels are known by others than its own on Linux."""
    if not sys.platform.startswith("linux"):
        return []
    return [f"--platform={name}_{platform.machine()}" for name in LINUX_PLATFORMS]


def _pythons_of_this_machine(label: str) -> Iterator[str]:
    on_path = shutil.which(f"python{label}")
    if on_path is not None:
        yield on_path
    for folder in sorted(Path.home().glob(f".pyenv/versions/{label}.*")):
        yield str(environment_python(folder))


def _starts(python: str) -> bool:
    """A pyenv shim on PATH may name a version that is not chosen, and then only complains."""
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0
