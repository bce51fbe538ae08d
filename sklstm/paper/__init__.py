"""The experiments of Hochreiter & Schmidhuber (1997): ``python -m sklstm.paper``.

It runs every LSTM row of the paper's tables with the published nets, settings and criteria of
success, with other readings of what the paper leaves open, and with today's settings. It also runs
the systems that the paper compares with. See ``docs/paper.md`` for results.
"""
