"""The books for people and programs: tables as pandas, polars or Arrow, each read at once and the file released.

What is not here: SQL and how the file is opened (`warehouse`), what a load writes (`pipeline`).
"""

from __future__ import annotations

from keycrm_pipeline.reading.books import Books, as_pandas, books_of

__all__ = ["Books", "as_pandas", "books_of"]
