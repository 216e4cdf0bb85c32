"""Tests of the exchange report, the summary of a load, and the views behind them."""
