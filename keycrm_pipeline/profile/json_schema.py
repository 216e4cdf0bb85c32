"""The JSON Schema of a profile file, for editors that complete and check it."""

from __future__ import annotations

from typing import Any

from keycrm_pipeline.profile.models import Profile


def profile_json_schema() -> dict[str, Any]:
    """The JSON Schema of a profile file, for editors that complete and check it.

    The package ships it as `profile.schema.json`; a test compares the two.
    """
    schema = Profile.model_json_schema()
    del schema["properties"]["name"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Profile of keycrm_pipeline",
        "required": [name for name in schema["required"] if name != "name"],
    }
