"""What people read: the exchange report as one HTML file, and the summary of a load for the Dagster page.

This package has the words, numbers and dates in the reader's language, the charts and the page's template. SQL
is in `warehouse` and in the views of schema `reports`.

Import `reports.page` for the report and `reports.summary` for the summary of a load; jinja2 and babel are
loaded only when something is written.
"""
