"""Processes, threads and other libraries around the package: each case ends in time, or fails.

Whatever happens around it, the same work has to give the same bits.
"""
