"""What was begun is finished, or undone."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager


@contextmanager
def all_or_nothing(*undo: Callable[[], object]) -> Generator[ExitStack]:
    """If the block fails, for a Ctrl+C too, what it has done is undone, the last step first.

    undo: takes back what was done before the block. The block adds what takes back its own steps
    with ``callback`` of the stack that it gets.
    """
    with ExitStack() as stack:
        for step in undo:
            stack.callback(step)
        yield stack
        stack.pop_all()
