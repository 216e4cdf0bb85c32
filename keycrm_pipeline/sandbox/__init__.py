"""The demo shop: a fictional shop, and a server that speaks KeyCRM's API for it.

This package holds the shop's data (`shop`, `orders`, `catalogue`, `people`, `dictionaries`), KeyCRM's HTTP
behaviour (`api`), two ways to reach it (`transport` in process, `server` over a socket), and the keys of KeyCRM's
records (`payloads`), which the tests use as well. Nothing here imports another part of keycrm_pipeline, so the
shop stays an independent witness of what KeyCRM sends.
"""
