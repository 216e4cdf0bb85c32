"""Profile files as the profile tests write them, and what is read from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from keycrm_pipeline.profile import Profile, ProfileError, Settings, load_profile

START = "start_date: 2024-01-01\n"


def write(places: Settings, text: str, name: str = "shop") -> Path:
    path = places.profiles_directory / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def read(places: Settings, text: str) -> Profile:
    write(places, text)
    return load_profile("shop", places)


def problems_of(places: Settings, text: str) -> dict[str, str]:
    """Each refused setting, and the message for it."""
    write(places, text)
    with pytest.raises(ProfileError) as caught:
        load_profile("shop", places)
    assert str(caught.value.file) in str(caught.value)
    return {problem.key: str(problem) for problem in caught.value.problems}
