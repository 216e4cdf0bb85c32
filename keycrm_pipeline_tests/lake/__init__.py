"""The lake: books in DuckLake with its catalogue in a real PostgreSQL. Run by `make test-distributed`."""
