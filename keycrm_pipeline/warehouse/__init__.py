"""The profile's DuckDB file: connections, versions and every SQL statement; the only place that knows SQL.

What is not here: rules of bookkeeping (`books`), talking to KeyCRM (`crm`), the order of steps (`exchange`).
"""
