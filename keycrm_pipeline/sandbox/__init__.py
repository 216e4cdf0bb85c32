"""The demo shop: a shop that never existed, and a server that speaks KeyCRM's API about it.

What belongs here: the data of the shop (`shop`, `orders`, `catalogue`, `people`, `dictionaries`), KeyCRM's
HTTP behaviour over it (`api`, `faults`), the two ways to reach it (`transport` in process, `server` over a
socket), and the builders of valid payloads (`payloads`) that tests start from. What does not: anything of the
exchange itself. Nothing here imports another part of the package, so that the shop stays an independent
witness of what KeyCRM sends.
"""
