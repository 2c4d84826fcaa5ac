"""The set-up of .venv, on a made-up checkout whose requirements are empty; and the real pins."""

import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from _dev import bootstrap

REQUIREMENTS = bootstrap.REQUIREMENTS
WORKER_REQUIREMENTS = bootstrap.ROOT / "mmm_blender" / "worker" / "requirements.txt"
COMMAND = """
import sys
from _dev import bootstrap
bootstrap.enter(*sys.argv[2:])
print(sys.prefix, *sys.argv[1:])
"""
PIN = re.compile(r"^(?P<name>[\w.-]+)(\[\w+\])?==(?P<version>[\w.+!-]+)(; .*)?$")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the bootstrap, a command that enters by it, and no requirements."""
    folder = tmp_path_factory.mktemp("checkout")
    tools = folder / "tools"
    (tools / "requirements").mkdir(parents=True)
    (tools / "_dev").mkdir()
    shutil.copy(bootstrap.__file__, tools / "_dev")
    (tools / "command").write_text(COMMAND, encoding="utf-8")
    for name in ("run", "develop", "torch", "compare", "blender", "constraints"):
        (tools / "requirements" / f"{name}.txt").write_text("# nothing\n", encoding="utf-8")
    return folder


def run(checkout: Path, *parts: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "tools/command", "given", *parts]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)


def test_it_makes_an_environment_once_and_repairs_a_broken_one(checkout: Path) -> None:
    environment = checkout / ".venv"
    first = run(checkout)
    assert first.stdout.split() == [str(environment), "given"], first.stderr
    assert "Setting up" in first.stderr

    second = run(checkout)
    assert second.stdout == first.stdout
    assert second.stderr == ""

    (environment / ".mmm-stamp").unlink()
    bootstrap.environment_python(environment).unlink()
    third = run(checkout)
    assert third.stdout == first.stdout
    assert "Setting up" in third.stderr


def test_only_the_parts_that_are_named_are_installed(checkout: Path) -> None:
    shutil.rmtree(checkout / ".venv")
    first = run(checkout, "run")
    assert "Blender as a module" in first.stderr and "PyTorch" not in first.stderr
    assert run(checkout, "run").stderr == ""
    more = run(checkout)
    assert "PyTorch" in more.stderr and "Blender as a module" not in more.stderr
    assert run(checkout).stderr == run(checkout, "run").stderr == ""


def test_other_requirements_are_installed_again(checkout: Path) -> None:
    run(checkout)
    develop = checkout / "tools" / "requirements" / "develop.txt"
    develop.write_text("# nothing, said otherwise\n", encoding="utf-8")
    assert "Setting up" in run(checkout).stderr
    assert run(checkout).stderr == ""


def test_a_package_that_cannot_be_had_is_one_sentence_and_no_stamp(checkout: Path) -> None:
    develop = checkout / "tools" / "requirements" / "develop.txt"
    develop.write_text("./no-such-folder\n", encoding="utf-8")
    outcome = run(checkout)
    assert outcome.returncode == 1
    assert outcome.stderr.splitlines()[-1].startswith("command: pip could not install")
    assert "develop" not in (checkout / ".venv" / ".mmm-stamp").read_text(encoding="utf-8")


def test_missing_system_libraries_are_named_by_their_packages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(bootstrap, "SYSTEM_LIBRARIES", {"libnot-here.so.1": "libnot-here1"})
    assert bootstrap.missing_system_packages() == ["libnot-here1"]


class Apt:
    """A Debian without one library. runs: what apt-get was started with."""

    def __init__(self, patch: pytest.MonkeyPatch, answer: str | None) -> None:
        """answer: what a person types, None where there is no terminal."""
        self.runs: list[str] = []
        self.asked = ""
        patch.setattr(bootstrap, "missing_system_packages", lambda: ["libnot-here1"])
        patch.setattr(bootstrap.shutil, "which", self.found)
        patch.setattr(bootstrap.os, "geteuid", lambda: 0, raising=False)
        patch.setattr(bootstrap, "_run_apt", self.run)
        patch.setattr(sys, "stdin", io.StringIO())
        patch.setattr(sys.stdin, "isatty", lambda: answer is not None)
        patch.setattr("builtins.input", self.ask)
        self.answer = answer or ""

    def found(self, name: str) -> str:
        return f"/usr/bin/{name}"

    def run(self, *command: str) -> None:
        self.runs.append(" ".join(command))

    def ask(self, text: str) -> str:
        self.asked = text
        return self.answer

    def provide(self) -> None:
        bootstrap._provide_system_packages()  # pyright: ignore[reportPrivateUsage]  # the step itself


def test_system_packages_are_named_and_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    apt = Apt(monkeypatch, "y")
    apt.provide()
    assert "libnot-here1" in capsys.readouterr().err and "Install them" in apt.asked
    assert apt.runs[-1] == "apt-get install -y --no-install-recommends libnot-here1 -qq"


def test_without_a_yes_nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    apt = Apt(monkeypatch, "n")
    with pytest.raises(SystemExit, match=r"nothing was installed.*libnot-here1"):
        apt.provide()
    assert not apt.runs


def test_without_a_terminal_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    apt = Apt(monkeypatch, None)
    apt.provide()
    assert apt.runs and not apt.asked


def test_this_machine_has_what_blender_opens() -> None:
    assert bootstrap.missing_system_packages() == []


def pins(path: Path) -> dict[str, set[str]]:
    """Versions by lower-case name; fails for a line that pins nothing."""
    found: dict[str, set[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith(("#", "-r ", "    --hash=")):
            continue
        match = PIN.match(line.removesuffix(" \\"))
        assert match is not None, f"{path.name}: {line} is no pin"
        found.setdefault(match["name"].lower().replace("_", "-"), set()).add(match["version"])
    return found


@pytest.mark.parametrize("path", sorted(REQUIREMENTS.glob("*.txt")), ids=lambda path: path.name)
def test_every_requirement_is_pinned(path: Path) -> None:
    assert pins(path)


def test_the_worker_has_the_versions_that_were_tested() -> None:
    ours: dict[str, set[str]] = {}
    for path in REQUIREMENTS.glob("*.txt"):
        if path.name != "wheels_intel_mac.txt":  # an older one, where torch cannot be had at all
            ours |= pins(path)
    theirs = pins(WORKER_REQUIREMENTS)
    del theirs["numpy"]  # .venv's is the one that its Blender was built for
    assert theirs == {name: ours[name] for name in theirs}
