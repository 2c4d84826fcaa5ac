"""What tools/test runs inside the environment: lint, format, types, tests."""

import subprocess
import sys
from collections.abc import Sequence

from _dev.bootstrap import ROOT, say

# Commands without a file name's ending, which the linter does not find by itself.
COMMANDS = ("tools/test", "tools/demo", "tools/bench")


def main(pytest_arguments: Sequence[str]) -> int:
    """Run every check, also after one that failed; 0 only when all passed."""
    failed = [name for name, command in _static_checks().items() if _run(name, command) != 0]
    if failed:
        say(f"FAILED before the tests: {', '.join(failed)}")
    tests_failed = _run("tests", ("pytest", *pytest_arguments)) != 0
    return int(bool(failed) or tests_failed)


def _static_checks() -> dict[str, tuple[str, ...]]:
    commands = [name for name in COMMANDS if (ROOT / name).is_file()]
    return {
        "lint": ("ruff", "check", ".", *commands),
        "format": ("ruff", "format", "--check", ".", *commands),
        "types": ("pyright",),
    }


def _run(name: str, command: Sequence[str]) -> int:
    """Run a module of this Python in the checkout and return its exit status."""
    say(f"--- {name}")
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode
