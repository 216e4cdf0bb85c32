"""Fixtures of the export tests."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from keycrm_pipeline.exports import ExportResult, export_documents
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline_tests.exports.small_shop import (
    NOW,
    PERIOD_FROM,
    PERIOD_TO,
    ColumnMap,
    Export,
    SmallShop,
    small_shop,
)


@pytest.fixture(scope="session")
def shop_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small shop's database, filled once; each test works on a copy."""
    return small_shop(tmp_path_factory.mktemp("small_shop")).warehouse.path


@pytest.fixture
def shop(shop_file: Path, tmp_path: Path) -> SmallShop:
    copy = tmp_path / "demo.duckdb"
    shutil.copyfile(shop_file, copy)
    return SmallShop(Warehouse(copy, "Europe/Kyiv"))


@pytest.fixture
def export(shop: SmallShop, tmp_path: Path) -> Export:
    """Exports March 2026 of the small shop, unless the test says otherwise."""

    def run(
        export_format: str,
        *,
        out: str = "out",
        period_from: date = PERIOD_FROM,
        period_to: date = PERIOD_TO,
        columns: dict[str, dict[str, str]] | None = None,
        **changes: Any,
    ) -> ExportResult:
        return export_documents(
            profile=replace(shop, export=ColumnMap(columns or {}), **changes),
            warehouse=shop.warehouse,
            period_from=period_from,
            period_to=period_to,
            export_format=export_format,
            out_directory=tmp_path / out,
            now=NOW,
        )

    return run
