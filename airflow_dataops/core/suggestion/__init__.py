"""From profiles of past data to checks that a person can review: proposals, each with its reason.

::

    profile      what one partition holds, in figures
    names        what a column's name tells: whom it is about, whether it counts, which of two comes first
    shapes       texts of one form as a pattern
    ranges       bounds that leave room, in round numbers
    columns      proposals on one column
    freshness    how often new data come
    proposals    all proposals: columns, keys, orders, the number of rows
    documents    proposals as a suite, as a contract and as a table
"""

from __future__ import annotations

__all__: list[str] = []
