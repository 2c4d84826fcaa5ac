"""The batch's command, with a Ctrl-C that comes while a module is imported: run with the module's
name, the command's file and its arguments."""

from __future__ import annotations

import os
import runpy
import signal
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec


class _Interrupt:
    """A finder that finds nothing, and sends the signal once."""

    def __init__(self, module: str) -> None:
        self.module = module

    def find_spec(
        self, name: str, _path: object = None, _target: object = None
    ) -> ModuleSpec | None:
        if name == self.module or name == f"_{self.module}" != "_bpy":  # as later Blenders say
            self.module = ""
            os.kill(os.getpid(), signal.SIGINT)
        return None


def main(module: str, command: str, arguments: Sequence[str]) -> None:
    """Run the command as if from a shell."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a shell's foreground
    finder = _Interrupt(module)
    sys.meta_path.insert(0, finder)
    sys.argv = [command, *arguments]
    try:
        runpy.run_path(command, run_name="__main__")
    except SystemExit as end:
        sys.stderr.flush()
        # as a module of Python, Blender may crash when the interpreter ends
        os._exit(int(end.code or 0) if not finder.module else 77)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
