"""MMM for Blender: a prompt and a mask become keys on an SMPL armature.

Blender calls register() and unregister(). Nothing of Blender is imported before that, because the
worker, the tools and the trainings import this package without it.
"""


def register() -> None:
    """Add operators, panels, properties and preferences to Blender."""
    from . import blender  # noqa: PLC0415  # see above

    blender.register()


def unregister() -> None:
    """Take them out of Blender and end the worker."""
    from . import blender  # noqa: PLC0415  # see above

    blender.unregister()
