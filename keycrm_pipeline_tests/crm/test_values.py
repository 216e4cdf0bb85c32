"""Single fields of KeyCRM's reference rows, as they may come."""

from __future__ import annotations

import pytest

from keycrm_pipeline.crm.values import whole


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((12, 12), ("12", 12), (" -3 ", -3), (2**63 - 1, 2**63 - 1), (str(-(2**63)), -(2**63))),
        *((None, None), ("", None), ("--5", None), ("1e5", None), (True, None), ([], None), ("١٢", None)),
        *((2**63, None), (-(2**63) - 1, None), (10**30, None), ("9" * 19, None), ("9" * 5000, None)),
    ],
)
def test_a_number_that_no_column_holds_is_none(value: object, expected: int | None) -> None:
    """An absurd category id in the catalogue stops no load."""
    assert whole(value) == expected
