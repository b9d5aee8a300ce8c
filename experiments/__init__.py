"""Experiments that reproduce tables and figures of papers and measure speed; `python -m experiments CONFIG` runs one.

Each experiment has a folder with `run.py`, which makes a result (JSON), and `report.py`, which renders it.
"""
