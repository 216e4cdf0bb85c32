"""Assets `exports` and `report`: files of a period that people take away, made on demand from the page.

Not partitioned: each run makes the files of the period that its configuration names, the last 30 days by default. What
stands in the files is in `exports` and `reports`; the same is to be had by the commands `export` and `report`.
"""

import contextlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Literal

import dagster as dg
from pydantic import Field

from keycrm_pipeline.commands.files import HandoverError, export_period, period_or_last_days, report_period
from keycrm_pipeline.orchestration.failures import as_dagster_failure
from keycrm_pipeline.orchestration.profile_assets import ProfileAssets

_DAY = r"^\d{4}-\d{2}-\d{2}$"


class _Period(dg.Config):
    """Days of the files."""

    period_from: str | None = Field(
        default=None,
        pattern=_DAY,
        description="First day, YYYY-MM-DD; 30 days up to the last one by default.",
    )
    period_to: str | None = Field(
        default=None, pattern=_DAY, description="Last day, YYYY-MM-DD, included; today by default."
    )


class ExportConfig(_Period):
    """What an export is to hold."""

    format: Literal["xlsx", "csv", "parquet", "commerceml", "odoo"] = Field(
        default="xlsx", description="Format of the files."
    )


class ReportConfig(_Period):
    """What a report is to show."""

    language: Literal["uk", "en"] = Field(default="uk", description="uk or en.")


@contextlib.contextmanager
def _told(context: dg.AssetExecutionContext) -> Iterator[None]:
    """Turns an error written for users into a failure that shows just its words: trying again cannot help."""
    from keycrm_pipeline.exports import ExportError

    try:
        with as_dagster_failure(context):
            yield
    except (ExportError, HandoverError) as error:
        raise dg.Failure(description=str(error), allow_retries=False) from None


def _days(assets: ProfileAssets, config: _Period, now: datetime) -> tuple[date, date]:
    try:
        first, last = (
            None if day is None else date.fromisoformat(day) for day in (config.period_from, config.period_to)
        )
    except ValueError:
        raise HandoverError("There is no such day. Name the days as YYYY-MM-DD.") from None
    first_day, last_day = period_or_last_days(assets.profile, first, last, now)
    if first_day > last_day:
        raise HandoverError(f"The period begins on {first_day} and ends before that, on {last_day}.")
    return first_day, last_day


def build_exports(assets: ProfileAssets) -> dg.AssetsDefinition:
    """The asset `exports` of one profile."""

    @dg.asset(
        key=assets.key("exports"),
        group_name=assets.profile.name,
        deps=[assets.key("orders")],
        kinds={"python", "duckdb", "excel"},
        owners=list(assets.profile.owners),
        pool=assets.pool,
    )
    def exports(context: dg.AssetExecutionContext, config: ExportConfig) -> dg.MaterializeResult:
        """Documents of a period to hand over: partners, products, orders, lines, services and payments as files.

        Only complete, valid orders are exported; the others are counted with the reason.
        """
        now = datetime.now(UTC)
        with _told(context):
            first_day, last_day = _days(assets, config, now)
            result = export_period(
                assets.profile,
                assets.workspace.settings,
                first_day,
                last_day,
                export_format=config.format,
                now=now,
            )
        return dg.MaterializeResult(
            metadata={
                "period": f"{first_day} to {last_day}",
                "format": config.format,
                "path": dg.MetadataValue.path(str(result.files[0].parent)),
                "files": dg.MetadataValue.md("\n".join(f"- {path.name}" for path in result.files)),
                **{f"rows of {table}": rows for table, rows in result.counts.items()},
                "orders held back": result.orders_held_back,
                "held back because": dg.MetadataValue.md(
                    "\n".join(f"- {entry.orders}: {entry.reason}" for entry in result.held_back) or "None."
                ),
                "new partners": result.new_partners,
                "new products": result.new_products,
                "days never loaded": len(result.days_not_loaded),
            }
        )

    return exports


def build_report(assets: ProfileAssets) -> dg.AssetsDefinition:
    """The asset `report` of one profile."""

    @dg.asset(
        key=assets.key("report"),
        group_name=assets.profile.name,
        deps=[assets.key("orders")],
        kinds={"python", "duckdb", "html"},
        owners=list(assets.profile.owners),
        pool=assets.pool,
    )
    def report(context: dg.AssetExecutionContext, config: ReportConfig) -> dg.MaterializeResult:
        """The exchange report of a period as one HTML file: sales, payments, returns, and what waits for a person."""
        now = datetime.now(UTC)
        with _told(context):
            first_day, last_day = _days(assets, config, now)
            path = report_period(
                assets.profile,
                assets.workspace.settings,
                first_day,
                last_day,
                language=config.language,
                now=now,
            )
        return dg.MaterializeResult(
            metadata={
                "period": f"{first_day} to {last_day}",
                "language": config.language,
                "path": dg.MetadataValue.path(str(path)),
            }
        )

    return report
