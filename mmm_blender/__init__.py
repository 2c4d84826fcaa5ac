"""MMM for Blender: a prompt and a mask become keys on an SMPL armature.

Blender calls register() and unregister(). Nothing of Blender is imported before that, because the
worker, the tools and the trainings import this package without it.
"""


def register() -> None:
    """Add operators, panels, properties, preferences and the command of the batch to Blender."""
    from . import blender  # noqa: PLC0415  # see above
    from .batch import blender_command  # noqa: PLC0415

    blender.register()
    blender_command.register()


def unregister() -> None:
    """Take them out of Blender and end the worker."""
    from . import blender  # noqa: PLC0415  # see above
    from .batch import blender_command  # noqa: PLC0415

    blender_command.unregister()
    blender.unregister()
