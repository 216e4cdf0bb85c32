"""Assets `exports` and `report`: files of a period, written on demand from the page.

They are not partitioned: each run writes the files of the period in its configuration, the last 30 days by default.
What the files contain is in `exports` and `reports`; the commands `export` and `report` write the same.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Final, Literal

import dagster as dg
from pydantic import Field

from keycrm_pipeline.kinds import DECIDING_DAYS, EXPORT_FORMATS, DecidingDay, ExportFormat
from keycrm_pipeline.language import _
from keycrm_pipeline.orchestration.dagster_internals import tag_run
from keycrm_pipeline.orchestration.failures import as_dagster_failure
from keycrm_pipeline.orchestration.profile_assets import PERIOD_TAG, ProfileAssets, code_reference
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Workspace
from keycrm_pipeline.run.output import EXPORTS, REPORTS, delivered_to

OF_THE_PROFILE: Final = "profile"
"""As the language of a report: that of its profile. Dagster knows no choice that may be left out."""

_DAY = r"^\d{4}-\d{2}-\d{2}$"


class _Period(dg.Config):
    """Days of the files."""

    period_from: str | None = Field(
        default=None,
        pattern=_DAY,
        description="First day, YYYY-MM-DD; by default 30 days up to the last one.",
    )
    period_to: str | None = Field(
        default=None, pattern=_DAY, description="Last day, YYYY-MM-DD, included; today by default."
    )


class ExportConfig(_Period):
    """Settings of an export."""

    format: ExportFormat = Field(
        default=EXPORT_FORMATS[0], description=f"Format of the files: {', '.join(EXPORT_FORMATS)}."
    )
    organisation: str | None = Field(
        default=None, description="Only the orders of this legal entity; by default all orders."
    )
    decided_by: DecidingDay = Field(
        default=DECIDING_DAYS[0], description=f"The day that decides: {', '.join(DECIDING_DAYS)}."
    )
    stages: list[str] = Field(
        default=[], description="Only orders in these stages; by default those of hand_over.stages, else all."
    )
    since_last: bool = Field(
        default=False, description="Only what is new or changed since it was last exported in this format."
    )
    dry_run: bool = Field(default=False, description="Write nothing, only count what would be exported.")


class ReportConfig(_Period):
    """Settings of a report."""

    language: Literal["profile", "uk", "en"] = Field(
        default=OF_THE_PROFILE, description="uk, en, or the language of the profile."
    )


FILE_CONFIGS: Mapping[str, type[dg.Config]] = {"exports": ExportConfig, "report": ReportConfig}
"""Asset -> its settings, which its job shows all of."""


@contextlib.contextmanager
def _as_failure(context: dg.AssetExecutionContext) -> Iterator[None]:
    """Turns an error written for users into a failure that shows only its text: retrying cannot help."""
    from keycrm_pipeline.exports import ExportError
    from keycrm_pipeline.reports.files import ReportError

    try:
        with as_dagster_failure(context):
            yield
    except (ExportError, ReportError) as error:
        raise dg.Failure(description=str(error), allow_retries=False) from None


def _period(workspace: Workspace, config: _Period, now: datetime) -> Period:
    try:
        first, last = (
            None if day is None else date.fromisoformat(day) for day in (config.period_from, config.period_to)
        )
    except ValueError:
        raise dg.Failure(
            _("A day of the period does not exist. Write it as YYYY-MM-DD."), allow_retries=False
        ) from None
    try:
        return workspace.period_or_last_days(first, last, now)
    except ValueError as error:
        raise dg.Failure(str(error), allow_retries=False) from None


def _delivered(workspace: Workspace, folder: str, names: Sequence[str]) -> dict[str, dg.MetadataValue]:
    """Where files were put as well; nothing without KEYCRM_OUTPUT."""
    places = delivered_to(workspace.settings, folder, names)
    return {"delivered": dg.MetadataValue.md("\n".join(f"- `{place}`" for place in places))} if places else {}


def build_exports(assets: ProfileAssets) -> dg.AssetsDefinition:
    """The asset `exports` of one profile."""

    @dg.asset(
        key=assets.key("exports"),
        group_name=assets.profile.name,
        deps=[assets.key("orders")],
        description=_(
            "Documents of a period as files: partners, products, orders, lines, services and payments.\n\n"
            "Only complete, valid orders are exported; the others are counted with the reason."
        ),
        kinds={"python", "duckdb", "excel"},
        owners=list(assets.profile.owners),
        metadata={**code_reference(__file__), **assets.page_link},
        pool=assets.pool,
    )
    def exports(context: dg.AssetExecutionContext, config: ExportConfig) -> dg.MaterializeResult:
        from keycrm_pipeline.exports import export_period

        now = datetime.now(UTC)
        workspace = assets.workspace
        period = _period(workspace, config, now)
        tag_run(context.instance, context.run.run_id, {PERIOD_TAG: str(period)})
        with assets.under_way(context.run), _as_failure(context), assets.speaking():
            result = export_period(
                workspace,
                period,
                export_format=config.format,
                organisation=config.organisation,
                decided_by=config.decided_by,
                stages=config.stages,
                since_last=config.since_last,
                dry_run=config.dry_run,
                now=now,
            )
        return dg.MaterializeResult(
            metadata={
                "period": str(period),
                "format": config.format,
                "path": dg.MetadataValue.path(str(workspace.exports_directory)),
                **_delivered(workspace, EXPORTS, [path.name for path in result.files]),
                "files": dg.MetadataValue.md(
                    "\n".join(f"- {path.name}" for path in result.files) or "None: a dry run."
                ),
                **{
                    f"{state} documents": result.hand_over.count(state)
                    for state in ("new", "changed", "withdrawn")
                },
                "unchanged documents": result.hand_over.unchanged,
                "changes in the closed period": len(result.hand_over.closed),
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
        description=_(
            "The exchange report of a period as one HTML file: sales, payments, returns, and what needs attention."
        ),
        kinds={"python", "duckdb", "html"},
        owners=list(assets.profile.owners),
        metadata={**code_reference(__file__), **assets.page_link},
        pool=assets.pool,
    )
    def report(context: dg.AssetExecutionContext, config: ReportConfig) -> dg.MaterializeResult:
        from keycrm_pipeline.reports.files import report_period

        now = datetime.now(UTC)
        workspace = assets.workspace
        period = _period(workspace, config, now)
        tag_run(context.instance, context.run.run_id, {PERIOD_TAG: str(period)})
        language = assets.profile.own_language if config.language == OF_THE_PROFILE else config.language
        with assets.under_way(context.run), _as_failure(context):
            path = report_period(workspace, period, language=language, now=now)
        return dg.MaterializeResult(
            metadata={
                "period": str(period),
                "language": language,
                "path": dg.MetadataValue.path(str(path)),
                **_delivered(workspace, REPORTS, [path.name]),
            }
        )

    return report
