"""What the closed set of messages promises."""

from __future__ import annotations

from mmm_blender.common import package
from mmm_blender.worker import protocol as p


def test_the_version_is_the_manifests() -> None:
    manifest = (package.PACKAGE_FOLDER.parent / "blender_manifest.toml").read_text(encoding="utf-8")
    assert f'\nversion = "{package.package_version()}"' in manifest


def test_every_motion_message_can_be_replayed_and_samples_by_default() -> None:
    generate = p.Generate("walk", 1.0)
    sequence = p.GenerateSequence(("walk",), (1.0,), (0,))
    for message in (generate, sequence):
        assert message.tokens_LP.shape == (0, 0)
        assert message.pin_feet and message.fps == 0.0
    assert generate.tokens_LP is not sequence.tokens_LP
