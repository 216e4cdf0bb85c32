"""The documentation is true: commands, options, settings, tables and columns it names exist, and its links resolve.

What is not here: how a page is worded or divided.
"""

from __future__ import annotations

import getpass
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import duckdb
import numpy as np
import pytest
import yaml
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from keycrm_pipeline.accounting.discounts import (
    BILLIONTHS,
    MONEY_RULES,
    LineMoney,
    OrderMoney,
    line_amounts,
    settle,
)
from keycrm_pipeline.cli import main
from keycrm_pipeline.orchestration.profile_assets import PAGE_VARIABLE
from keycrm_pipeline.profile import (
    CHOICE_VARIABLE,
    DATA_VARIABLE,
    KEY_VARIABLE,
    LAKE_CATALOG_VARIABLE,
    LAKE_DATA_VARIABLE,
    LOCATION_VARIABLE,
    OUTPUT_VARIABLE,
    PROFILES_VARIABLE,
    Profile,
    Settings,
    key_file_variable,
    load_profile,
)
from keycrm_pipeline.schemas import TABLES
from keycrm_pipeline.schemas.ops import REVIEW_KINDS
from keycrm_pipeline.schemas.reference import table_reference
from keycrm_pipeline_tests.documents import new_warehouse

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.glob("*.md"))]

LARGEST_PICTURE = 300_000
"""Bytes; pictures are downloaded by everybody who opens the first page."""


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def _code_blocks(text: str) -> list[str]:
    return re.findall(r"^```[^\n]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def _settings_of(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Dotted name and default of every setting; an empty or missing value is `none`."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _settings_of(kind, f"{prefix}{name}.")
        elif prefix or name != "name":
            default = field.get_default(call_default_factory=True)
            yield f"{prefix}{name}", default


def _shown_default(value: object) -> str:
    """A default as the page writes it."""
    if value is PydanticUndefined:
        return "must be given"
    if value is None or value in ({}, ()):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return ", ".join(f"`{part}`" for part in value)
    return f"`{value}`"


def test_the_table_reference_is_the_generated_one() -> None:
    """A reader of the reference sees the columns that the database really has; `make docs` renews it."""
    assert (DOCS / "tables.md").read_text("utf-8") == table_reference()


def _names_in_the_database(directory: Path) -> set[str]:
    """Tables and views as `schema.table`, and their columns as `schema.table.column`, of a new database."""
    with new_warehouse(directory / "new.duckdb").reading() as connection:
        columns = connection.execute(
            "SELECT schema_name, table_name, column_name FROM duckdb_columns() WHERE NOT internal"
        ).fetchall()
    return {f"{schema}.{table}" for schema, table, _ in columns} | {".".join(row) for row in columns}


def test_tables_and_columns_that_the_pages_name_exist(tmp_path: Path) -> None:
    """What a page names as `schema.table` or `schema.table.column` can be selected, in a new database."""
    existing = _names_in_the_database(tmp_path)
    schemas = "|".join(sorted({name.partition(".")[0] for name in existing}))
    named = {
        (_name(page), name)
        for page in PAGES
        if page.name != "CHANGELOG.md"
        for name in re.findall(
            rf"\b((?:{schemas})\.(?!(?:md|py)\b)[a-z_]+(?:\.[a-z_]+)?)\b", page.read_text("utf-8")
        )
    }
    assert {name for _, name in named} >= {table.qualified_name for table in TABLES}
    assert {(page, name) for page, name in named if name not in existing} == set()


def test_reference_lists_are_tables_of_their_own(tmp_path: Path) -> None:
    """The statuses that KeyCRM listed can be read by id and name, without taking JSON apart."""
    with new_warehouse(tmp_path / "new.duckdb").writing() as connection:
        connection.execute(
            "INSERT INTO raw.reference_rows VALUES ('statuses', 12, '{\"name\": \"Виконано\"}', now(), true)"
        )
        assert connection.execute("SELECT status_id, name FROM raw.statuses").fetchall() == [(12, "Виконано")]


def test_the_query_of_the_table_reference_runs(tmp_path: Path) -> None:
    """The example can be pasted into a notebook."""
    path = tmp_path / "demo.duckdb"
    new_warehouse(path)
    (code,) = _code_blocks((DOCS / "tables.md").read_text("utf-8"))
    query = re.search(r'books\.sql\("(.*)"\)', code)
    assert query is not None
    with duckdb.connect(str(path), read_only=True) as books:
        assert books.sql(query.group(1)).fetchall() == []


def test_every_setting_is_on_the_settings_page_with_its_default() -> None:
    """Every setting can be found with its default, and no setting is promised that the program refuses."""
    page = (DOCS / "settings.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z_.]+)` \|[^|]*\| ([^|]+) \| [^|]+ \|$", page, re.MULTILINE)
    assert dict(rows) == {name: _shown_default(value) for name, value in _settings_of(Profile)}
    assert len(rows) == len(dict(rows)), "a setting is listed twice"


def test_the_worked_example_of_a_discount_is_right() -> None:
    """A bookkeeper who checks the example against the program finds every kopiyka of it."""
    page = (DOCS / "rules.md").read_text("utf-8")
    lines = LineMoney(
        order_index=_whole(0, 0, 0),
        listed=line_amounts(_billionths("333.33", "189.5", "150"), _billionths("3", "2", "1")),
        sold=line_amounts(_billionths("333.33", "180.03", "150"), _billionths("3", "2", "1")),
    )
    settlement = settle(
        OrderMoney(
            grand_total=_whole(143_900),
            shipping=_whole(8_000),
            wrap=_whole(0),
            taxes=_whole(0),
            discount_amount=_whole(4),
            discount_percent=_whole(10_000_000),
            total_discount=_whole(15_105),
        ),
        lines,
    )
    assert MONEY_RULES[settlement.rule[0]] == "total_discount"
    assert settlement.discount.tolist() == [15_105]
    stated = re.findall(r"^\| \S+ \| [\d.]+ \| \d \| ([\d.]+) \| ([\d.]+) \|", page, re.MULTILINE)
    kopiykas = [tuple(int(sum_.replace(".", "")) for sum_ in row) for row in stated]
    discounts, amounts = settlement.line_discount.tolist(), settlement.line_amount.tolist()
    assert kopiykas == list(zip(discounts, amounts, strict=True)) == [
        (10_003, 89_996), (5_496, 32_404), (1_500, 13_500),
    ]  # fmt: skip
    assert sum(amounts) + 8_000 == 143_900


def _billionths(*values: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    return _whole(*(int(Decimal(value) * BILLIONTHS) for value in values))


def _whole(*values: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array(values, np.int64)


def test_every_kind_of_the_review_list_is_explained() -> None:
    """Whatever needs attention, the rules page says what to do about it."""
    page = (DOCS / "rules.md").read_text("utf-8")
    explained = re.findall(r"^\| `(\w+)` \| \S", page, re.MULTILINE)
    assert set(REVIEW_KINDS) <= set(explained)


def test_files_that_the_pages_name_are_there() -> None:
    """“Code: accounting/discounts.py” leads to a file."""
    named = [
        (page, path)
        for page in PAGES
        for path in re.findall(r"`([a-z_.]+/[a-z_/]+\.(?:py|sql|sh))`", page.read_text("utf-8"))
    ]
    bases = (ROOT, ROOT / "keycrm_pipeline")
    assert named
    assert [
        f"{_name(page)}: {path}" for page, path in named if not any((base / path).exists() for base in bases)
    ] == []


def _yaml_blocks() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        blocks = re.findall(r"^```yaml\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
        found += [(f"{_name(page)}:{number}", block) for number, block in enumerate(blocks, start=1)]
    return found


@pytest.mark.parametrize(("place", "block"), _yaml_blocks(), ids=lambda value: str(value)[:40])
def test_examples_of_profiles_are_accepted(place: str, block: str, tmp_path: Path) -> None:
    """An example pasted into a profile is not refused."""
    content = {"start_date": "2024-01-01", **yaml.safe_load(block)}
    (tmp_path / "example.yaml").write_text(
        yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8"
    )
    profile = load_profile("example", Settings(tmp_path, tmp_path))
    assert profile.name == "example", place


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link and picture resolves, including the anchor of a heading."""
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", _without_code(page.read_text("utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, heading = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (heading and heading not in _anchors(file)):
            broken.append(target)
    assert broken == []


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", _without_code(page.read_text("utf-8")), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_commands_exist_as_written(page: Path) -> None:
    """A command copied from a page is known to the program, with every option it is given."""
    wrong = []
    for words in re.findall(r"keycrm-pipeline ((?:[a-z]+)(?:[^\n`|]*))", page.read_text("utf-8")):
        name, *rest = words.split()
        command = main.commands.get(name)
        if command is None:
            wrong.append(words)
            continue
        known = {option for parameter in command.params for option in _spellings(parameter)} | {
            "--help",
            "-h",
        }
        wrong += [
            f"{name} {word}" for word in rest if word.startswith("--") and word.strip(".,;:)") not in known
        ]
    assert wrong == []


def _spellings(parameter: click.Parameter) -> list[str]:
    return [*parameter.opts, *parameter.secondary_opts]


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_environment_variables_exist(page: Path) -> None:
    """A variable copied from a page is one that the program reads."""
    named = set(re.findall(r"\bKEYCRM_[A-Z_]+", page.read_text("utf-8")))
    known = {
        CHOICE_VARIABLE,
        DATA_VARIABLE,
        LAKE_CATALOG_VARIABLE,
        LAKE_DATA_VARIABLE,
        LOCATION_VARIABLE,
        OUTPUT_VARIABLE,
        PAGE_VARIABLE,
        PROFILES_VARIABLE,
    }
    assert {name for name in named - known if not name.startswith(KEY_VARIABLE)} == set()


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_make_targets_exist(page: Path) -> None:
    """A `make` command copied from a page is known to the Makefile."""
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:`|^\s*|&& )make ([a-z][a-z-]*)", page.read_text("utf-8"), re.MULTILINE))
    assert named <= targets


def _systemd_unit() -> str:
    """The unit of operations.md, with the credential that the page shows."""
    unit, credential = (
        block for block in _code_blocks((DOCS / "operations.md").read_text("utf-8")) if _INI.search(block)
    )
    return unit.replace("[Install]", f"{credential}\n[Install]")


_INI = re.compile(r"^(\[Unit\]|LoadCredential=)", re.MULTILINE)


def test_the_systemd_unit_starts_the_product() -> None:
    """The command of the unit exists, and its key comes from a variable that the program reads."""
    unit = _systemd_unit()
    started = re.search(r"^ExecStart=\S+/keycrm-pipeline (\S+)$", unit, re.MULTILINE)
    assert started is not None
    assert started[1] in main.commands
    assert f"Environment={key_file_variable('shop')}=%d/shop" in unit


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """`systemd-analyze verify` says nothing, once the program and its user are those of this machine."""
    program = Path(sys.executable).with_name("keycrm-pipeline")
    unit = re.sub(r"^ExecStart=\S+", f"ExecStart={program}", _systemd_unit(), flags=re.MULTILINE)
    unit = re.sub(r"^User=\S+", f"User={getpass.getuser()}", unit, flags=re.MULTILINE)
    path = tmp_path / "keycrm-pipeline.service"
    path.write_text(unit, "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", path], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_every_command_is_in_both_readmes() -> None:
    """No command is left for the reader to guess."""
    for page in ("README.md", "README.uk.md"):
        text = (ROOT / page).read_text("utf-8")
        assert [name for name in main.commands if f"keycrm-pipeline {name}" not in text] == []


@pytest.mark.parametrize("page", ["README.md", "README.uk.md"])
def test_commands_with_json_are_listed(page: str) -> None:
    """Who writes a script knows which commands answer it."""
    text = (ROOT / page).read_text("utf-8")
    sentence = next(part for part in text.split("\n\n") if "`--json`" in part and "`load`" in part)
    with_json = {
        name
        for name, command in main.commands.items()
        if any("--json" in parameter.opts for parameter in command.params)
    }
    assert set(re.findall(r"`([a-z]+)`", sentence)) - {"error"} == with_json


def test_both_readmes_say_the_same() -> None:
    """Both languages show the same commands in the same order, and have the same links and pictures."""
    english, ukrainian = ((ROOT / page).read_text("utf-8") for page in ("README.md", "README.uk.md"))

    def commands(text: str) -> list[list[str]]:
        """The code blocks without comments and without what a load prints, which are in the language of the page."""
        blocks = [
            re.sub(r"\s*#.*$", "", block, flags=re.MULTILINE)
            for block in _code_blocks(text)
            if "UAH  " not in block
        ]
        return [[line for line in block.splitlines() if line.strip()] for block in blocks]

    def named(text: str) -> list[str]:
        return sorted(set(re.findall(r"`(keycrm-pipeline [a-z]+|make [a-z]+|KEYCRM_[A-Z_<>]+)", text)))

    def links(text: str) -> set[str]:
        return {target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text)} - {
            "README.md", "README.uk.md", "",
        }  # fmt: skip

    assert commands(english) == commands(ukrainian)
    assert named(english) == named(ukrainian)
    assert links(english) == links(ukrainian)


def test_pictures_are_small_and_used() -> None:
    """The first page opens quickly, and there is no picture that no page shows."""
    text = "".join(page.read_text("utf-8") for page in PAGES)
    for picture in sorted((DOCS / "assets").iterdir()):
        assert picture.stat().st_size < LARGEST_PICTURE, picture.name
        assert f"assets/{picture.name}" in text, picture.name
