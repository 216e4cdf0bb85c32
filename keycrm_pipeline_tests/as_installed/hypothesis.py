"""Stands before hypothesis for the programs that tests start: whoever installs the product does not have it.

Pandera imports hypothesis where it finds it, which takes half a second of every process.
"""

raise ImportError("The product runs without hypothesis.")
