"""Runs a module of .venv's Python, whichever Python starts this: in_environment.py MODULE [...]."""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _dev.bootstrap import ENVIRONMENT, ROOT, environment_python

if __name__ == "__main__":
    command = [str(environment_python(ENVIRONMENT)), "-m", *sys.argv[1:]]
    sys.exit(subprocess.run(command, cwd=ROOT, check=False).returncode)
