"""Makes the virtual environment .venv of this checkout, and goes on inside it.

Standard library only: this runs on a machine where nothing was installed. A command in tools/
begins with

    from _dev import bootstrap

    bootstrap.enter()

and may then import torch, bpy and mmm_blender. A command that needs less names the parts that it
needs, ``bootstrap.enter("run")``, and no more is downloaded for it. What is installed is pinned in
tools/requirements/.

Environment variables:
    MMM_TORCH_INDEX  address of a package index with CPU builds of torch. Where it is not set, pip's
                     own configuration decides, and on Linux that torch may bring several
                     gigabytes of CUDA.
"""

import ctypes
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv"
REQUIREMENTS = ROOT / "tools" / "requirements"
STAMP = ENVIRONMENT / ".mmm-stamp"
TORCH_INDEX_VARIABLE = "MMM_TORCH_INDEX"

PARTS = {
    "run": ("Blender as a module and ONNX Runtime", 410, ("run",)),
    "develop": ("what tests and checks the code", 140, ("develop", "blender", "run")),
    "torch": ("PyTorch, for training and for comparing with it", 190, ("torch",)),
    "compare": ("other people's models to compare with and learn from", 120, ("compare",)),
}
"""What .venv is made of, one part after the other: what it is, the megabytes that are downloaded
for it on Linux, and the files of requirements that it follows."""

# A Blender as a Python module exists for these Pythons only.
SUPPORTED_PYTHONS = ((3, 11), (3, 13))

# Shared libraries that Blender's module opens, and the Debian packages that carry them.
SYSTEM_LIBRARIES = {
    "libX11.so.6": "libx11-6",
    "libXi.so.6": "libxi6",
    "libXxf86vm.so.1": "libxxf86vm1",
    "libXfixes.so.3": "libxfixes3",
    "libXrender.so.1": "libxrender1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
    "libGL.so.1": "libgl1",
    "libgomp.so.1": "libgomp1",
}


def enter(*parts: str) -> None:
    """Make or repair .venv, then run this same command inside it; returns only when inside.

    parts: keys of PARTS that the command needs, all if none is named.
    """
    sys.path.insert(0, str(ROOT))
    missing = [part for part in PARTS if part in (parts or PARTS) and not _is_ready(part)]
    if missing:
        _set_up(missing)
    if not _is_inside():
        _run_again([str(environment_python(ENVIRONMENT)), *sys.argv])


def environment_python(environment: Path) -> Path:
    """Path of a virtual environment's Python on this system."""
    if os.name == "nt":
        return environment / "Scripts" / "python.exe"
    return environment / "bin" / "python"


def site_packages(environment: Path, version: str) -> Path:
    """Where an environment's packages lie; version: of its Python, such as "3.11"."""
    if os.name == "nt":
        return environment / "Lib" / "site-packages"
    return environment / "lib" / f"python{version}" / "site-packages"


def missing_system_packages() -> list[str]:
    """Debian packages whose libraries Blender needs and that are not here (Linux only)."""
    if not sys.platform.startswith("linux"):
        return []
    return [package for library, package in SYSTEM_LIBRARIES.items() if not _can_open(library)]


def pip_install(python: Sequence[str], *arguments: str) -> None:
    """Run pip of the given Python with the pins of tools/requirements/constraints.txt."""
    constraints = str(REQUIREMENTS / "constraints.txt")
    # --no-compile: Python compiles the few modules that are imported, as they are imported
    options = ["--quiet", "--no-compile", "--disable-pip-version-check", "-c", constraints]
    command = [*python, "-m", "pip", "install", *options, *arguments]
    outcome = subprocess.run(command, check=False)
    if outcome.returncode != 0:
        stop("pip could not install the packages named above; check the network and run it again.")


def requirements_hash(more: str, names: Sequence[str] = ("run", "blender", "constraints")) -> str:
    """Hash of what decides an environment's content: the pins, the machine, what is given."""
    digest = hashlib.sha256()
    for path in sorted(REQUIREMENTS / f"{name}.txt" for name in names):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update(f"{platform.machine()} {more}".encode())
    return digest.hexdigest()


def stop(sentence: str) -> NoReturn:
    """End the program with one sentence for the person."""
    sys.exit(f"{Path(sys.argv[0]).name}: {sentence}")


def say(sentence: str) -> None:
    """Tell the person what is going on, at once and apart from a command's own output."""
    print(sentence, file=sys.stderr, flush=True)


def _is_inside() -> bool:
    return Path(sys.prefix).resolve() == ENVIRONMENT.resolve()


def _is_ready(part: str) -> bool:
    return _wanted_stamp(part) in _stamps()


def _stamps() -> list[str]:
    """A line for each part that is installed; none where the environment was begun again."""
    return STAMP.read_text(encoding="utf-8").splitlines() if STAMP.is_file() else []


def _wanted_stamp(part: str) -> str:
    more = f"{part} {_python_version_of(ENVIRONMENT)} {ENVIRONMENT}"
    return f"{part} {requirements_hash(more, (*PARTS[part][2], 'constraints'))}"


def _python_version_of(environment: Path) -> str:
    """Version such as '3.11' that a virtual environment's pyvenv.cfg names, or an empty string."""
    try:
        lines = (environment / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    for line in lines:
        key, _, value = line.partition("=")
        if key.strip() == "version":
            return ".".join(value.strip().split(".")[:2])
    return ""


def _set_up(parts: Sequence[str]) -> None:
    started_by = _supported_python()
    _provide_system_packages()
    if not _works(environment_python(ENVIRONMENT)):
        _make_environment(started_by)
    for part in parts:
        what, megabytes, _files = PARTS[part]
        say(f"Setting up {ENVIRONMENT}, once: {what}, about {megabytes} MB to download...")
        _keep_stamps([line for line in _stamps() if not line.startswith(f"{part} ")])
        index = _torch_index() if part == "torch" else []
        python = [str(environment_python(ENVIRONMENT))]
        pip_install(python, *index, "-r", str(REQUIREMENTS / f"{part}.txt"))
        _keep_stamps([*_stamps(), _wanted_stamp(part)])
    say("Set up.")


def _keep_stamps(lines: Sequence[str]) -> None:
    STAMP.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _supported_python() -> str:
    """The running Python where Blender's module exists for it, else another one on PATH."""
    if sys.version_info[:2] in SUPPORTED_PYTHONS:
        return sys.executable
    for major, minor in SUPPORTED_PYTHONS:
        found = shutil.which(f"python{major}.{minor}")
        if found is not None:
            return found
    names = " or ".join(f"{major}.{minor}" for major, minor in SUPPORTED_PYTHONS)
    stop(f"Blender's module needs Python {names}, and neither was found; install one of them.")


def _works(python: Path) -> bool:
    """Whether this Python starts, has pip, is supported and is this environment's own."""
    if not python.exists():
        return False
    program = "import pip, sys; print(sys.prefix); print(*sys.version_info[:2])"
    outcome = subprocess.run(
        [str(python), "-c", program], capture_output=True, text=True, check=False
    )
    versions = [f"{major} {minor}" for major, minor in SUPPORTED_PYTHONS]
    lines = outcome.stdout.splitlines()
    is_own = outcome.returncode == 0 and Path(lines[0]).resolve() == ENVIRONMENT.resolve()
    return is_own and lines[1] in versions


def _make_environment(python: str) -> None:
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    made = subprocess.run([python, "-m", "venv", str(ENVIRONMENT)], check=False)
    if made.returncode != 0:
        stop("a virtual environment could not be made; the lines above say why.")


def _torch_index() -> list[str]:
    address = os.environ.get(TORCH_INDEX_VARIABLE)
    return ["--index-url", address] if address else []


def _provide_system_packages() -> None:
    """Install what is missing, once the person agrees, as root on Debian; elsewhere name it."""
    missing = missing_system_packages()
    if importlib.util.find_spec("ensurepip") is None:  # Debian ships it apart from Python
        missing.append("python3-venv")
    if not missing:
        return
    install = f"apt-get install -y --no-install-recommends {' '.join(missing)}"
    if shutil.which("apt-get") is None:
        stop(f"libraries are missing that Debian carries in {', '.join(missing)}; install them.")
    if os.geteuid() != 0:
        stop(f"system packages are missing; run: sudo {install}")
    say(f"System packages are missing: {' '.join(missing)}")
    if not _agreed("Install them now?"):
        stop(f"nothing was installed; when you want to go on, run: {install}")
    _run_apt("apt-get", "update", "-qq")
    _run_apt(*install.split(), "-qq")


def _agreed(question: str) -> bool:
    """The person's answer; yes where there is no terminal to ask on."""
    if not (sys.stdin and sys.stdin.isatty()):
        return True
    return input(f"{question} [Y/n] ").strip().lower() in ("", "y", "yes")


def _run_apt(*command: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    quiet = subprocess.DEVNULL
    if subprocess.run(command, env=environment, stdout=quiet, check=False).returncode != 0:
        stop(f"'{' '.join(command)}' failed; run it by hand to see why.")


def _can_open(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _run_again(command: list[str]) -> None:
    """Replace this process by the command; Windows has no real exec and waits for a child."""
    sys.stdout.flush()
    if os.name == "nt":
        sys.exit(subprocess.run(command, check=False).returncode)
    os.execv(command[0], command)
