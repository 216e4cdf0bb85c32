"""A day or a month as an argument of a command or as an answer, typed as people write it."""

from __future__ import annotations

from datetime import date

import click

from keycrm_pipeline.period import Period, day_from_text, month_from_text


def day(typed: str) -> date:
    """The day of `26.10.2026` or `2026-10-26`; the type of an option or a question.

    Raises:
        click.BadParameter: It is no day.
    """
    try:
        return day_from_text(typed)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def month_argument(_context: click.Context, _parameter: click.Parameter, typed: str | None) -> Period | None:
    """The month of `2026-10` or `10.2026`, None if nothing was typed; the callback of an argument.

    Raises:
        click.BadParameter: It is no month.
    """
    try:
        return None if typed is None else month_from_text(typed)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
