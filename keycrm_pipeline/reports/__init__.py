"""What people look at: the exchange report as one HTML file, and the summary of a load for the Dagster page.

What belongs here: wording, numbers and dates as a reader writes them, charts, the page's template. What does
not: SQL (see `warehouse.report_views` and `warehouse.sales`), Dagster, commands.

Import `reports.page` for the report and `reports.summary` for a load's summary; both load jinja2 and
babel only when something is written.
"""
