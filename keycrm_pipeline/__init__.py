"""The open exchange from KeyCRM orders to accounting documents.

Nothing happens at import, here or in any module below: no network, no environment read, no connection. Where
things are: `profile` (the settings), `crm` (the source), `books` (the rules), `warehouse` (the tables),
`exchange` (the steps put together), `assets`, `checks`, `automation` and `definitions` (what Dagster shows),
`cli` (the commands), `exports` and `reports` (what people take away), `sandbox` (the demo shop).
"""
