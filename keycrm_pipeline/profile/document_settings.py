"""Which settings of a profile documents follow at a `rebuild`, and whether they are as they were at the last one.

What is not here: where that is kept (`warehouse.rebuild_due`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from keycrm_pipeline.profile.models import DOCUMENT_SETTINGS, Profile

AS_BY_DEFAULT = "default"
"""Stands for the digest of a setting that has its default: a new setting is one that no profile has changed."""

NOT_BOOKED = frozenset({"fee_percent", "yearly_limit"})
"""Parts of those settings that nothing is booked by."""


def document_settings(profile: Profile) -> dict[str, str]:
    """Each setting that documents follow -> a digest of its value, which names nobody."""
    values: Any = profile.model_dump(mode="json", exclude_defaults=True)
    found = {}
    for name in sorted(DOCUMENT_SETTINGS):
        value = values
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        booked = _booked(value)
        found[name] = AS_BY_DEFAULT if not booked else _digest(booked)
    return found


def changed_document_settings(profile: Profile, before: Mapping[str, str]) -> tuple[str, ...]:
    """The settings whose digests differ from those before; none if nothing is known of before."""
    if not before:
        return ()
    now = document_settings(profile)
    return tuple(name for name in now if now[name] != before.get(name, AS_BY_DEFAULT))


def _booked(value: Any) -> Any:
    """A value without the parts that nothing is booked by, and without sections that are empty then."""
    if not isinstance(value, dict):
        return value
    parts = {key: _booked(part) for key, part in value.items() if key not in NOT_BOOKED}
    return {key: part for key, part in parts.items() if part is not None and part != {}}


def _digest(value: Any) -> str:
    return sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
