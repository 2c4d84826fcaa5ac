"""A Python whose pip is a stub: what the outside world says is a table, all else is real.

    python = stub_python(folder, {"install torch": (["ERROR: ..."], 1)}, probe={...})

``python -m venv TARGET`` makes an environment whose python answers for pip by the table: the first
entry whose words all stand in the command line gives the lines and the exit status; else nothing is
said and all is well. Every command is kept, see ``commands``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Answers = Mapping[str, tuple[Sequence[str], int]]

WORKING_PROBE: dict[str, Any] = {
    "python": [3, 11, 2], "system": "linux", "packages": {"torch": "2.13.0"}, "errors": {},
    "cuda": "", "cards": [],
}  # fmt: skip

_PROGRAM = """\
#!{python} -I
import json, pathlib, shutil, sys
here = pathlib.Path({folder!r})
words = sys.argv[1:]
with open(here / "commands", "a") as file:
    print(json.dumps(words), file=file)
table = json.loads((here / "answers.json").read_text())
if "venv" in words:
    binary = pathlib.Path(words[-1]) / "bin"
    binary.mkdir(parents=True)
    shutil.copy(here / "python", binary / "python")
if "-c" in words:
    print(json.dumps(table["probe"]))
if "--report" in words:
    pathlib.Path(words[words.index("--report") + 1]).write_text(json.dumps(table["report"]))
for wanted, (lines, status) in table["answers"].items():
    if all(word in " ".join(words) for word in wanted.split()):
        print(*lines, sep="\\n")
        sys.exit(status)
"""


def stub_python(
    folder: Path,
    answers: Answers | None = None,
    probe: Mapping[str, Any] = WORKING_PROBE,
    report: Mapping[str, Any] | None = None,
) -> Path:
    """The program; report: what pip's dry run finds."""
    folder.mkdir(parents=True, exist_ok=True)
    table = {"answers": answers or {}, "probe": dict(probe), "report": report or {"install": []}}
    (folder / "answers.json").write_text(json.dumps(table), encoding="utf-8")
    program = folder / "python"
    program.write_text(_PROGRAM.format(python=sys.executable, folder=str(folder)), "utf-8")
    program.chmod(0o755)
    return program


def commands(folder: Path) -> list[list[str]]:
    """Every command line that the stub was given, the program's name left out."""
    return [json.loads(line) for line in (folder / "commands").read_text("utf-8").splitlines()]
