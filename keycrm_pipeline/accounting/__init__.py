"""The accounting rules: pure functions and plain data, one module a rule family.

Nothing here asks the network, a database, the clock or the environment, and nothing here knows Dagster. What
comes in are plain values or columns; what goes out are plain values or columns. Reading, storing and putting
the steps together belongs to the packages above.
"""
