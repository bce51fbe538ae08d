"""Benchmarks: accuracy on real data, the choice of the defaults, speed, memory."""
