"""The open exchange from KeyCRM orders to accounting documents.

Nothing happens at import, here or in any module below: no network access, no reading of the environment, no
connection. Where things are: `profile` (the settings), `crm` (the source), `accounting` (the rules), `schemas` and
`warehouse` (the tables), `run` (one run), `pipeline` (the stages of a load, and the syncs), `orchestration` (what
Dagster shows), `cli` and `commands`, `exports` and `reports` (files for users), `sandbox` (the demo shop).
"""
