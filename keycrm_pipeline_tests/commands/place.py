"""Where the tests of commands run them: directories of one installation, and a KeyCRM account that answers over HTTP.

Orders are of March 2024, so that no test depends on today.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner, Result

from keycrm_pipeline.cli import main
from keycrm_pipeline.profile import Profile, Settings, load_profile
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.payloads import order_payload
from keycrm_pipeline_tests.scripted_api import ScriptedApi

KEY = "the-key-of-the-tests"
MARCH_4 = date(2024, 3, 4)


@dataclass
class Place:
    """Where commands run.

    Attributes:
        directory: Holds `profiles`, `data` and `dagster`.
        variables: What the environment holds besides these.
    """

    directory: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a command."""
        return {
            "KEYCRM_PROFILES_DIR": str(self.directory / "profiles"),
            "KEYCRM_DATA_DIR": str(self.directory / "data"),
            "DAGSTER_HOME": str(self.directory / "dagster"),
            **self.variables,
        }

    @property
    def settings(self) -> Settings:
        """Where profiles and data are."""
        return Settings(self.directory / "profiles", self.directory / "data")

    def write_profile(self, name: str = "shop", **keys: Any) -> Path:
        """Writes a profile file; `base_url` is a closed port unless told otherwise."""
        path = self.directory / "profiles" / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        content = {"base_url": "http://127.0.0.1:9/v1", "start_date": date(2023, 1, 1), **keys}
        path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
        return path

    def profile(self, name: str = "shop") -> Profile:
        """The profile as a command reads it."""
        return load_profile(name, self.settings)

    def run(self, *arguments: str, typed: str | None = None) -> Result:
        """Runs a command in this process."""
        return CliRunner().invoke(main, arguments, env=self.environment, input=typed)

    def json(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Exit code and the one JSON object that a command prints with `--json`."""
        result = self.run(*arguments, "--json")
        printed = json.loads(result.stdout)
        assert isinstance(printed, dict)
        return result.exit_code, printed


@dataclass
class Account:
    """A KeyCRM account that answers over HTTP."""

    shop: EditableShop
    api: ScriptedApi
    url: str

    def order(self, order_id: int, **overrides: Any) -> None:
        """Puts an order of 4 March 2024 into it: one line of 100 hryvnias, unless told otherwise."""
        moment = datetime(2024, 3, 4, 10, tzinfo=UTC)
        self.shop.add_order(order_payload(order_id, **{"ordered_at": moment, **overrides}))
