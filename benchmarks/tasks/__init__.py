"""The data of the benchmarks: one loader per task, each returns a `Dataset`."""
