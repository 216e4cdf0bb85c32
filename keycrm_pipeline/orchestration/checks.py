"""Asset checks: inconsistent books are errors; what needs attention is a warning with its first cases.

A check reads the stored tables and changes nothing, so it can be run again once something was mended: all of them by
the job `<profile>_checks`, or a single one on the page. No personal data: ids, and reasons without anything that
somebody typed.

The load job has no step for them: it logs their outcome itself, with one event each instead of the three (planned,
output, outcome) of a check that is executed. That is a third of all events of a small load.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import dagster as dg

from keycrm_pipeline.formatting import current_formatter
from keycrm_pipeline.language import _
from keycrm_pipeline.orchestration.dagster_internals import AssetJob
from keycrm_pipeline.orchestration.profile_assets import PROFILE_TAG, ProfileAssets
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import dagster_home
from keycrm_pipeline.reports.wording import current_wording
from keycrm_pipeline.run.space import read_space
from keycrm_pipeline.schemas.review_kinds import REVIEW_LIST
from keycrm_pipeline.sentences import stored_text, without_typed
from keycrm_pipeline.warehouse.errors import WarehouseError
from keycrm_pipeline.warehouse.integrity import INTEGRITY_CHECKS, KEYS_ONCE, doubled_keys, offenders

if TYPE_CHECKING:
    import duckdb

    from keycrm_pipeline.reading.closed_period import ClosedPeriodChange
    from keycrm_pipeline.warehouse.attention import ReviewItem

MOST_CASES = 20
"""Cases that a check shows; the review list has all of them."""

YESTERDAY = "yesterday_is_loaded"
DISK = "disk_has_room"
CLOSED_PERIOD = "closed_period_unchanged"

_ABOUT_CARDS = ("skus_once", "links_once")
"""Integrity checks whose offenders are cards or buyers; those of the others are orders."""

LinkOrder = Callable[[int], str | None]


def log_checks(context: dg.AssetExecutionContext, assets: ProfileAssets) -> None:
    """Logs the outcome of all checks after a load; a load whose checks cannot be read has succeeded nevertheless."""
    try:
        evaluations = list(_evaluate(assets, _described()))
    except WarehouseError as error:
        context.log.warning("The checks were not run: %s Run the job %s_checks.", error, assets.name)
        return
    for evaluation in evaluations:
        context.log_event(evaluation)


def _evaluate(assets: ProfileAssets, names: Iterable[str]) -> Iterator[dg.AssetCheckEvaluation]:
    """The outcome of some checks.

    Raises:
        WarehouseError: The database cannot be read.
    """
    from keycrm_pipeline.warehouse.attention import review_counts

    with assets.speaking(), assets.reading() as connection:
        counts = review_counts(connection)
        for name in names:
            yield _evaluation(connection, assets, name, counts.get(name, 0))


def _described() -> dict[str, str]:
    """Name of each check -> what it is about and what it asserts, in the current language."""
    words = current_wording()
    return {
        **{name: _(what) for name, what in INTEGRITY_CHECKS.items()},
        KEYS_ONCE: _("No table has two rows with the same key."),
        **{
            kind.name: f"{words.of(kind.title)}.\n\n{_(kind.assertion)} {words.of(kind.advice)}"
            for kind in REVIEW_LIST.values()
        },
        CLOSED_PERIOD: _(
            "Changes in the closed period.\n\nNo document of the closed period (closed_until) changed without an "
            "export having listed it. Export an open month, or the closed one with --since-last: both list what "
            "changed."
        ),
        YESTERDAY: _("Days that were not loaded.\n\nYesterday was loaded completely."),
        DISK: _(
            "A disk that is almost full.\n\nThe disk of the database has room for a load and a copy of the file."
        ),
    }


def build_checks(assets: ProfileAssets) -> list[dg.AssetChecksDefinition]:
    """The checks of one profile, all on its `orders`."""
    orders = assets.key("orders")
    descriptions = _described()

    @dg.multi_asset_check(
        name=f"{assets.name}__checks",
        specs=[
            dg.AssetCheckSpec(name, asset=orders, description=description)
            for name, description in descriptions.items()
        ],
        can_subset=True,
        pool=assets.pool,
    )
    def books(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        chosen = {key.name for key in context.selected_asset_check_keys}
        with assets.under_way(context.run):
            for evaluation in _evaluate(assets, [name for name in descriptions if name in chosen]):
                yield dg.AssetCheckResult(
                    asset_key=evaluation.asset_key,
                    check_name=evaluation.check_name,
                    passed=evaluation.passed,
                    severity=evaluation.severity,
                    metadata=evaluation.metadata,
                )

    return [books]


def checks_job(assets: ProfileAssets) -> AssetJob:
    """The job that runs all checks again."""
    return dg.define_asset_job(
        f"{assets.name}_checks",
        selection=dg.AssetSelection.checks_for_assets(assets.key("orders")),
        description=_(
            "Runs all checks again, after something was mended in KeyCRM, the profile or the catalogue."
        ),
        tags={PROFILE_TAG: assets.name},
        executor_def=dg.in_process_executor,
    )


def _evaluation(
    connection: "duckdb.DuckDBPyConnection", assets: ProfileAssets, name: str, count: int
) -> dg.AssetCheckEvaluation:
    """The outcome of a check; `count` is the number of its entries in the review list."""
    from keycrm_pipeline.reports.page import order_address

    result = partial(dg.AssetCheckEvaluation, asset_key=assets.key("orders"), check_name=name)
    link = partial(order_address, assets.profile.keycrm_url)
    if name in INTEGRITY_CHECKS:
        from keycrm_pipeline.pipeline.selection import chosen_status_ids

        ids = offenders(connection, name, status_ids=chosen_status_ids(assets.profile))
        shown = [
            str(number) if name in _ABOUT_CARDS else _linked(str(number), link(number))
            for number in ids[:MOST_CASES]
        ]
        return result(
            passed=not ids,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={"count": len(ids), "first cases": dg.MetadataValue.md(", ".join(shown) or _("None."))},
        )
    if name == KEYS_ONCE:
        doubled = doubled_keys(connection)
        listed = ", ".join(f"{table}: {keys}" for table, keys in doubled.items())
        return result(
            passed=not doubled,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={"count": sum(doubled.values()), "first cases": listed or _("None.")},
        )
    if name in REVIEW_LIST:
        from keycrm_pipeline.warehouse.attention import review_items

        items = review_items(connection, kind=name, most=MOST_CASES) if count else []
        return result(
            passed=not count,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "count": count,
                "first cases": dg.MetadataValue.md(_cases(items, link, assets.profile.timezone)),
            },
        )
    if name == CLOSED_PERIOD:
        from keycrm_pipeline.reading.closed_period import closed_period_changes

        changes = closed_period_changes(connection, assets.profile)
        return result(
            passed=not changes,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "count": len(changes),
                "first cases": dg.MetadataValue.md(
                    _closed_cases(changes[:MOST_CASES], link, assets.profile.timezone)
                ),
            },
        )
    if name == DISK:
        space = read_space(assets.workspace, dagster_home(os.environ))
        return result(
            passed=not space.is_short,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "free MB": space.free_bytes // 1_000_000,
                "should be free MB": space.needed_bytes // 1_000_000,
                "database MB": space.database_bytes // 1_000_000,
                "history MB": space.history_bytes // 1_000_000,
            },
        )
    yesterday = datetime.now(UTC).astimezone(assets.profile.zone).date() - timedelta(days=1)
    return result(
        passed=_is_loaded(connection, yesterday),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"day": yesterday.isoformat()},
    )


def _is_loaded(connection: "duckdb.DuckDBPyConnection", day: date) -> bool:
    from keycrm_pipeline.warehouse.days import loaded_days

    return day in loaded_days(connection, Period(day, day))


def _cases(items: Sequence["ReviewItem"], link: LinkOrder, timezone: str) -> str:
    words, write = current_wording(), current_formatter()
    return _table(
        f"| {_subject(item, link)} | "
        f"{words.in_words(stored_text(item.details, item.details_coded, write, without_typed))} | "
        f"{write.instant(item.first_seen_at, timezone)} |"
        for item in items
    )


def _closed_cases(changes: Sequence["ClosedPeriodChange"], link: LinkOrder, timezone: str) -> str:
    words, write = current_wording(), current_formatter()
    return _table(
        f"| {_linked(str(change.order_id), link(change.order_id))} | "
        f"{words.in_words(change.message.text(write))} | {write.instant(change.changed_at, timezone)} |"
        for change in changes
    )


def _table(rows: Iterable[str]) -> str:
    """Cases in Markdown, under their header."""
    lines = list(rows)
    if not lines:
        return _("None.")
    header = f"| {_('about')} | {_('reason')} | {_('first seen')} |"
    return "\n".join([header, "|---|---|---|", *lines])


def _subject(item: "ReviewItem", link: LinkOrder) -> str:
    if REVIEW_LIST[item.kind].has_typed_subject:
        return _("(see the review list)")
    if item.order_id is None:
        return item.subject
    named = (
        item.subject
        if item.subject == str(item.order_id)
        else _("{subject} (order {order_id})", subject=item.subject, order_id=item.order_id)
    )
    return _linked(named, link(item.order_id))


def _linked(text: str, address: str | None) -> str:
    return text if address is None else f"[{text}]({address})"
