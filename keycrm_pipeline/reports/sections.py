"""The order of the report's sections, and which of them are left out for an empty period.

The sections themselves are in `headline`, `timeline`, `rankings`, `money`, `reconciliation`, `margins`
and `waiting`.
"""

from __future__ import annotations

from keycrm_pipeline.reports.elements import Section, Writer
from keycrm_pipeline.reports.figures import ReportFigures
from keycrm_pipeline.reports.headline import figures_section
from keycrm_pipeline.reports.margins import margins_section
from keycrm_pipeline.reports.money import expenses_section, money_section
from keycrm_pipeline.reports.rankings import (
    buyers_section,
    delivery_section,
    discounts_section,
    item_sections,
    named_sections,
)
from keycrm_pipeline.reports.reconciliation import reconciliation_section
from keycrm_pipeline.reports.timeline import days_section
from keycrm_pipeline.reports.waiting import (
    due_section,
    exchanges_section,
    lost_section,
    rejected_section,
    review_section,
)


def all_sections(figures: ReportFigures, writer: Writer) -> list[Section]:
    """All sections in the order of the page: the shop's figures first, the exchange and its lists last.

    The report of a period without orders says so once and leaves out the sections that would repeat it.
    """
    if not figures.totals:
        return [
            figures_section(figures, writer),
            *money_section(figures, writer),
            *expenses_section(figures, writer),
            *reconciliation_section(figures, writer),
            due_section(figures, writer),
            *_lists(figures, writer),
        ]
    sources, managers, stages, payments = named_sections(figures, writer)
    # Half-width sections come in pairs.
    return [
        figures_section(figures, writer),
        days_section(figures, writer),
        sources,
        managers,
        *item_sections(figures, writer),
        discounts_section(figures, writer),
        payments,
        *money_section(figures, writer),
        *expenses_section(figures, writer),
        *reconciliation_section(figures, writer),
        *margins_section(figures, writer),
        delivery_section(figures, writer),
        due_section(figures, writer),
        stages,
        lost_section(figures, writer),
        buyers_section(figures, writer),
        *_lists(figures, writer),
    ]


def _lists(figures: ReportFigures, writer: Writer) -> list[Section]:
    return [
        review_section(figures, writer),
        rejected_section(figures, writer),
        exchanges_section(figures, writer),
    ]
