"""Requirements for a card in the accounting catalogue's files (R12), as pandera schemas whose failures are sentences.

The frames are rows read by `accounting.catalogue_files`, which has checked format and duplicates. The checks here
reject values unfit for a card. A failure becomes one problem with file, line and column.
"""

from __future__ import annotations

import pandera.polars as pa
import polars as pl

from keycrm_pipeline.kinds import PRODUCT_KIND_NAMES
from keycrm_pipeline.sentences import Message, read_message
from keycrm_pipeline.sentences.catalogue import CatalogueMistake

MOST_CHARACTERS = 1000
"""A longer name means that the file has the wrong separator or quotes."""

MOST_CODE_CHARACTERS = 200
"""The same for ids, SKUs, units, phones and e-mails."""

_CONTROL_CHARACTERS = r"[\x00-\x1f\x7f]"


TEXT = pl.String
LINE = pl.Int64


def _no_control_characters(data: pa.PolarsData) -> pl.LazyFrame:
    return data.lazyframe.select(~pl.col(data.key).str.contains(_CONTROL_CHARACTERS))


def _text(*, nullable: bool, most: int = MOST_CODE_CHARACTERS) -> pa.Column:
    return pa.Column(
        TEXT,
        nullable=nullable,
        checks=[
            pa.Check.str_length(
                max_value=most,
                error=CatalogueMistake.TOO_LONG.message(most=most).dump(),
            ),
            pa.Check(_no_control_characters, error=CatalogueMistake.NOT_PRINTABLE.message().dump()),
        ],
    )


def failed_check(error: str) -> Message:
    """What a check that failed says about its value; its error is a message, unless it is pandera's own."""
    is_ours = error.startswith("{")
    return (read_message(error) if is_ours else None) or CatalogueMistake.CELL_WRONG.message(check=error)


PRODUCT_ROWS = pa.DataFrameSchema(
    {
        "line": pa.Column(LINE),
        "id": _text(nullable=False),
        "name": _text(nullable=False, most=MOST_CHARACTERS),
        "sku": _text(nullable=True),
        "kind": pa.Column(TEXT, checks=pa.Check.isin(PRODUCT_KIND_NAMES)),
        "unit": _text(nullable=True),
    },
    unique=["id"],
    strict=True,
    name="products",
)

PARTNER_ROWS = pa.DataFrameSchema(
    {
        "line": pa.Column(LINE),
        "id": _text(nullable=False),
        "name": _text(nullable=False, most=MOST_CHARACTERS),
        "phone": _text(nullable=True),
        "email": _text(nullable=True),
    },
    unique=["id"],
    strict=True,
    name="partners",
)
