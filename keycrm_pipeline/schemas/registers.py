"""Requirements for a row of a register (R15), as a pandera schema whose failures are sentences.

The frame holds rows read by `accounting.registers`, which has read days and sums. The checks here reject values that no
register has. A failure becomes one problem with file, line and column.
"""

from __future__ import annotations

from datetime import date

import pandera.polars as pa
import polars as pl

from keycrm_pipeline.schemas.catalogue_files import LINE, TEXT
from keycrm_pipeline.sentences.registers import RegisterMistake

MOST_KOPIYKAS = 10**14
"""A larger sum is a number of something else."""

MOST_CODE_CHARACTERS = 200
MOST_TEXT_CHARACTERS = 5000


def _sum() -> pa.Column:
    message = RegisterMistake.SUM_TOO_LARGE.message().dump()
    return pa.Column(pl.Int64, checks=pa.Check.in_range(-MOST_KOPIYKAS, MOST_KOPIYKAS, error=message))


def _text(most: int) -> pa.Column:
    message = RegisterMistake.REGISTER_TEXT_TOO_LONG.message(most=most).dump()
    return pa.Column(TEXT, nullable=True, checks=pa.Check.str_length(max_value=most, error=message))


REGISTER_ROWS = pa.DataFrameSchema(
    {
        "line": pa.Column(LINE),
        "date": pa.Column(
            pl.Date,
            checks=pa.Check.in_range(
                date(2000, 1, 1), date(2099, 12, 31), error=RegisterMistake.DAY_OUT_OF_REACH.message().dump()
            ),
        ),
        "sum": _sum(),
        "fee": _sum(),
        "order": _text(MOST_CODE_CHARACTERS),
        "waybill": _text(MOST_CODE_CHARACTERS),
        "reference": _text(MOST_CODE_CHARACTERS),
        "text": _text(MOST_TEXT_CHARACTERS),
    },
    strict=True,
    name="registers",
)
