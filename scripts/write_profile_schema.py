"""Writes the JSON Schema of the profile file that the package ships, from `keycrm_pipeline.profile`.

Run by `make schema` after a setting was added or reworded. Nothing else belongs here.
"""

import json
from pathlib import Path

from keycrm_pipeline import profile


def main() -> None:
    """Replaces `keycrm_pipeline/profile/profile.schema.json`."""
    text = json.dumps(profile.profile_json_schema(), ensure_ascii=False, indent=2)
    Path(profile.__file__).with_name("profile.schema.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
