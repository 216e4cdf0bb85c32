"""The steps of an exchange in plain Python: extract, validate, register cards, derive documents, log.

Puts `crm`, `books` and `warehouse` together. Dagster assets and the commands call these functions; what is not
here: Dagster, SQL, and the accounting rules themselves.
"""
