"""The compiler: checks become SQL once, as sqlglot trees, and run in as few passes as an engine allows.

::

    table       what an engine tells of its data: columns, kinds, dialect
    dialect     how one engine says things that SQL dialects say differently
    rule        the shapes a check can take: rows, distinct values, keys, figures, constants
    compiler    type of a check -> rule; `column_values`, `texts`, `pairs`, `keys`, `figures` … hold the types
    conditions  which rows a check looks at
    results     results in the form Great Expectations writes them
    session     all checks of a suite planned and asked together
"""

__all__: list[str] = []
