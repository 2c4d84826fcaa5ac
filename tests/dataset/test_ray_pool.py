"""Joining a cluster that is not there: in seconds, not in Ray's minutes."""

from __future__ import annotations

import time

import pytest

pytest.importorskip("ray", reason="the extra 'cluster' is not installed in this Python")

from mmm_blender.common.errors import MMMError
from mmm_blender.dataset.ray_pool import connect


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.0.0.1:99999", "no.such.host.invalid:6379"])
def test_no_cluster_at_an_address_is_said_at_once(address: str) -> None:
    started = time.monotonic()
    with pytest.raises(MMMError, match=f"No Ray cluster could be joined at {address} "):
        connect(address, 1)
    assert time.monotonic() - started < 60
