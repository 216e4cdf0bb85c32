"""What makes a text harmless, for whatever a person may have typed."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keycrm_pipeline.exports.texts import (
    clean_column,
    harmless_column,
    harmless_text,
    looks_like_formula,
    shortened,
    without_control_characters,
)

TEXTS = st.lists(
    st.text(
        alphabet=st.one_of(
            st.sampled_from("=+-@\t\r\n'0123456789.,＝ \x00\x0b\x7f"),
            st.characters(exclude_categories=["Cs"]),
        ),
        max_size=12,
    ),
    min_size=1,
    max_size=20,
)


@pytest.mark.parametrize(
    "text", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "+380 (50) 1"]
)
def test_formulas_get_an_apostrophe(text: str) -> None:
    """These are what spreadsheets take for formulas."""
    assert harmless_text(text) == "'" + text


@pytest.mark.parametrize("text", ["+380501234567", "-5", "-12,50", "+1.5", "Чай", "", "1=1", "'=1"])
def test_numbers_and_plain_texts_stay(text: str) -> None:
    """A phone with an apostrophe would be found by nobody."""
    assert harmless_text(text) == text


@given(TEXTS)
@settings(deadline=None)
def test_columns_and_single_texts_agree(texts: list[str]) -> None:
    """CSV is made by columns and XLSX cell by cell; both must see the same dangers."""
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    cleaned = frame.select(clean_column("text")).to_series().to_list()
    assert cleaned == [without_control_characters(text) for text in texts]
    harmless = frame.select(harmless_column(pl.col("text"))).to_series().to_list()
    assert harmless == [harmless_text(text) for text in texts]
    assert not any(looks_like_formula(text) for text in harmless)


@given(st.text(max_size=30), st.integers(min_value=1, max_value=30))
@settings(deadline=None)
def test_shortened_text_is_never_too_long(text: str, most: int) -> None:
    """A text that fits stays, a longer one shows that something is missing."""
    result = shortened(text, most)
    assert len(result) <= most
    assert result == text or result.endswith("…")
