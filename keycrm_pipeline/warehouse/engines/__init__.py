"""The databases that can hold a profile's books: a DuckDB file, which is the default, or a lake."""
