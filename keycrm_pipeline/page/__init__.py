"""The exchange page: what an accountant sees and presses in a browser, in Ukrainian.

A Starlette application that renders HTML on the server. It reads the books as commands and notebooks do, opens the
file only for one reading, and starts the same Dagster jobs as Dagster's own page.

What is not here: SQL (`warehouse.page`), accounting rules (`accounting`), how Dagster is asked
(`orchestration.remote`), the content of reports and exports.
"""
