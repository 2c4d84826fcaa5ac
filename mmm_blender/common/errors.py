"""The one exception whose text is written for the animator."""


class MMMError(Exception):
    """A failure told in one sentence: what happened and what to do.

    Every layer raises it (or a subclass) for what a person can mend; the shells (operators,
    command-line tools) show ``str(error)`` as it is. Anything else that escapes is a bug.
    """
