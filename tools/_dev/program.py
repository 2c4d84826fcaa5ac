"""How a command-line tool ends: with its exit code, or with one sentence for the person."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from mmm_blender.common.errors import MMMError


def run(main: Callable[[], int]) -> NoReturn:
    """Call ``main`` and exit; what a person can mend is said in a sentence, with exit code 1."""
    name = Path(sys.argv[0]).name
    try:
        sys.exit(main())
    except MMMError as error:
        sys.exit(f"{name}: {error}")
    except OSError as error:
        sys.exit(f"{name}: {error.filename or 'a file'} could not be used ({error.strerror}).")
