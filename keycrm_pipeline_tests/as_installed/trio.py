"""Stands before trio for the programs that tests start: whoever installs the product does not have it.

Selenium brings it, and httpcore imports it where it finds it, which takes a tenth of a second of every load.
"""

raise ImportError("The product runs without trio.")
