"""The KeyCRM side: a client that reads orders, reference lists and products within a request budget.

What belongs here: everything that knows KeyCRM's routes, parameters, limits and faults. What does not: what
an order means for the books (see `accounting`), storing anything (see `warehouse`), and Dagster.
"""
