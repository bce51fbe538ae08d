"""The experiments of Hochreiter & Schmidhuber (1997): ``python -m sklstm.paper``.

Every LSTM row of the paper's tables with the published nets, settings and criteria of success, the
same with other readings of what the paper leaves open, and the same tasks with the settings of
today; and the systems that the paper compares with. See ``docs/paper.md`` for results.
"""
