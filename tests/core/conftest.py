"""Property tests must not fail because a machine is busy: no deadline per example."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("samklang", deadline=None)
settings.load_profile("samklang")
