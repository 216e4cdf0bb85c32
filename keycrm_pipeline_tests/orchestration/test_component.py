"""A profile in a `defs.yaml`: a project folder as `dg` makes it, loaded and run for a day."""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

import keycrm_pipeline
from keycrm_pipeline import Books, KeyCrmExchange
from keycrm_pipeline.orchestration.component import ProfileAttributes
from keycrm_pipeline.orchestration.profile_assets import period_tags
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Profile, Settings
from keycrm_pipeline_tests.orchestration.shop import QUIET

SETTINGS = """\
type: keycrm_pipeline.KeyCrmExchange
attributes:
  name: shop
  base_url: sandbox
  start_date: 2026-03-01
"""

Project = Callable[[str], dg.Definitions]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Loads a project of one component, whose `defs.yaml` is given."""
    package = tmp_path / "somebodys_project"
    folder = package / "defs" / "shop"
    folder.mkdir(parents=True)
    for directory in (package, package / "defs"):
        (directory / "__init__.py").touch()
    (tmp_path / "pyproject.toml").write_text(
        '[tool.dg]\ndirectory_type = "project"\n[tool.dg.project]\nroot_module = "somebodys_project"\n',
        "utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("KEYCRM_DATA_DIR", str(tmp_path / "data"))

    def load(text: str) -> dg.Definitions:
        (folder / "defs.yaml").write_text(text, "utf-8")
        return dg.load_from_defs_folder(path_within_project=tmp_path)

    yield load
    for name in [name for name in sys.modules if name.partition(".")[0] == "somebodys_project"]:
        del sys.modules[name]


def refusal(error: BaseException) -> str:
    """What is wrong, as the page and the terminal show it below Dagster's own words."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return str(cause)


def test_a_day_is_loaded_without_a_profile_file(
    project: Project, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """The same assets, jobs and books as those of a profile file."""
    definitions = project(SETTINGS)
    day = date(2026, 3, 28)
    result = definitions.resolve_job_def("shop_load").execute_in_process(
        instance=instance, tags=period_tags(Period(day, day)), run_config=QUIET
    )
    assert result.success
    assert instance.get_materialized_partitions(dg.AssetKey(["shop", "orders"])) == {"2026-03-28"}
    assert (tmp_path / "data" / "shop.duckdb").exists()
    assert not (tmp_path / "profiles").exists()


def test_settings_are_those_of_a_profile_file(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids as keys, sections, dates, an empty key; and what Dagster offers besides: a value from the environment."""
    monkeypatch.setenv("BUYER", "Роздрібний покупець")
    reader = (
        project(f"""\
{SETTINGS}
  default_partner: "{{{{ env.BUYER }}}}"
  accounts: {{2: ПриватБанк ФОП}}
  statuses: {{load: [1, 12], stages: {{1: Нове}}}}
  managers:
""").resources
        or {}
    )["shop_books"]
    assert isinstance(reader, Books)
    profile = reader.workspace.profile
    assert profile.start_date == date(2026, 3, 1)
    assert profile.default_partner == "Роздрібний покупець"
    assert profile.accounts == {2: "ПриватБанк ФОП"}
    assert (profile.statuses.load, profile.statuses.stages) == ((1, 12), {1: "Нове"})
    assert profile.managers == {}


def test_mistakes_are_said_as_those_of_a_profile_file(project: Project) -> None:
    """The file, each key and what is allowed; not pydantic's words."""
    with pytest.raises(Exception, match="shop") as raised:
        project(f"{SETTINGS}  timezone: Kiev\n  acount: Каса\n")
    lines = refusal(raised.value).splitlines()
    assert lines[0].endswith("/somebodys_project/defs/shop/defs.yaml cannot be used:")
    assert lines[1:] == [
        "  - timezone: there is no such time zone. Allowed: an IANA time zone name such as Europe/Kyiv.",
        "  - acount: there is no such setting. Perhaps it should be account.",
    ]


def test_a_component_needs_a_name(project: Project) -> None:
    """A profile file has it in its own name."""
    with pytest.raises(Exception, match="shop") as raised:
        project(SETTINGS.replace("  name: shop\n", ""))
    assert refusal(raised.value).endswith("  - name: it is missing.")


def test_a_secret_in_the_attributes_is_refused_and_not_repeated(project: Project) -> None:
    """The key belongs in the environment: a `defs.yaml` is committed."""
    with pytest.raises(Exception, match="shop") as raised:
        project(f"{SETTINGS}  api_key: s3cret-key\n")
    assert "KEYCRM_API_KEY_SHOP" in refusal(raised.value)
    assert "s3cret-key" not in refusal(raised.value)


def test_it_can_be_made_in_python(tmp_path: Path) -> None:
    """In a project without a `defs` folder."""
    profile = Profile.model_validate({"name": "other", "base_url": "sandbox", "start_date": "2026-03-01"})
    component = KeyCrmExchange(profile, Settings(tmp_path, tmp_path))
    graph = dg.build_defs_for_component(component).resolve_asset_graph()
    assert dg.AssetKey(["other", "orders"]) in graph.get_all_asset_keys()


def test_tools_find_the_component_and_its_settings() -> None:
    """`dg` lists what the entry point's module names, and editors complete the settings by the schema."""
    pyproject = Path(keycrm_pipeline.__file__).parents[1] / "pyproject.toml"
    entry_points = tomllib.loads(pyproject.read_text("utf-8"))["project"]["entry-points"]
    (module,) = entry_points["dagster_dg_cli.registry_modules"].values()
    found = [
        value
        for name in dir(importlib.import_module(module))
        if isinstance(value := getattr(keycrm_pipeline, name), type) and issubclass(value, dg.Component)
    ]
    assert found == [KeyCrmExchange]
    assert KeyCrmExchange.get_model_cls() is ProfileAttributes
    schema = ProfileAttributes.model_json_schema()
    assert {"name", "start_date"} == set(schema["required"])
    assert "accounts" in schema["properties"]
