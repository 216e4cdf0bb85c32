"""Fixtures of the export tests."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from keycrm_pipeline.exports import ExportResult, export_period
from keycrm_pipeline.kinds import ExportFormat
from keycrm_pipeline.period import Period
from keycrm_pipeline_tests.exports.small_shop import MARCH, NOW, Export, SmallShop, shop_in, small_shop


@pytest.fixture(scope="session")
def shop_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small shop's database, filled once; each test works on a copy."""
    return small_shop(tmp_path_factory.mktemp("small_shop")).workspace.database


@pytest.fixture
def shop(shop_file: Path, tmp_path: Path) -> SmallShop:
    shop = shop_in(tmp_path)
    shutil.copyfile(shop_file, shop.workspace.database)
    return shop


@pytest.fixture
def export(shop: SmallShop, tmp_path: Path) -> Export:
    """Exports March 2026 of the small shop, unless the test says otherwise."""

    def run(
        export_format: ExportFormat,
        period: Period = MARCH,
        *,
        out: str = "out",
        columns: dict[str, dict[str, str]] | None = None,
        commerceml: dict[str, Any] | None = None,
    ) -> ExportResult:
        layout = {"columns": columns or {}, "commerceml": commerceml or {}}
        chosen = shop_in(tmp_path, export=layout) if any(layout.values()) else shop
        return export_period(
            chosen.workspace, period, export_format=export_format, directory=tmp_path / out, now=NOW
        )

    return run
