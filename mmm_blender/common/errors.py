"""The one exception whose text is written for the animator."""

from .untrusted import MOST_TEXT, clean_text


class MMMError(Exception):
    """A failure in one sentence: what happened and what to do.

    Every layer raises it (or a subclass) for what a person can mend; the shells (operators,
    command-line tools) show ``str(error)`` as it is. Anything else that escapes is a bug.
    """

    def __str__(self) -> str:
        """The sentence, fit to be shown whatever names of a stranger's file it repeats."""
        return clean_text(super().__str__(), MOST_TEXT)
