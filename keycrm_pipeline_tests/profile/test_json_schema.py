"""The JSON Schema of the profile file that editors use."""

from __future__ import annotations

import json
from pathlib import Path

from keycrm_pipeline import profile as profile_package
from keycrm_pipeline.profile import profile_json_schema


def test_the_shipped_schema_is_the_models() -> None:
    """An editor must not suggest what the program refuses; `make schema` updates the file."""
    shipped = Path(profile_package.__file__).with_name("profile.schema.json")
    assert json.loads(shipped.read_text("utf-8")) == profile_json_schema()


def test_every_setting_of_the_schema_is_described() -> None:
    """An editor shows the description while the user types."""
    schema = profile_json_schema()
    sections = {"": schema, **schema["$defs"]}
    undescribed = [
        f"{section}.{name}"
        for section, part in sections.items()
        for name, setting in part["properties"].items()
        # A reference to a section has its description there.
        if not (setting.get("description") or "$ref" in setting)
    ]
    assert undescribed == []
    assert "name" not in schema["properties"]
    assert schema["required"] == ["start_date"]
    assert all(part["additionalProperties"] is False for part in sections.values())
