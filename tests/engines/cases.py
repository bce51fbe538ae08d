"""All cases: an engine, and what it is tried with."""

from tests.cases import Case

# A cluster of one process needs no token in the home folder.
RAY = {
    "OMP_NUM_THREADS": None,
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
}
FREE = {"OMP_NUM_THREADS": None}  # the engines decide about threads

CASES = [
    Case("on_joblib", "searches_in_processes", 5, environment=FREE),
    Case("on_joblib", "searches_in_threads", 5, environment=FREE),
    Case("on_joblib", "threads_in_workers", 5, environment=FREE),
    Case("on_joblib", "threads_in_executors", 5, environment=FREE),
    Case("on_dask", "searches", 5, environment=FREE),
    Case("on_dask", "searches_of_scattered_data", 5, environment=FREE),
    Case("on_dask", "bags", 5, environment=FREE),
    Case("on_dask", "threads_in_workers", 5, environment=FREE),
    Case("on_dask", "threads_in_the_process_of_the_nannies", 5, environment=FREE),
    Case("on_dask", "fits_in_two_threads_of_a_worker", 20, environment=FREE),
    Case("on_ray", "searches", 5, environment=RAY),
    Case("on_ray", "data", 5, environment=RAY),
    Case("on_ray", "objects", 5, environment=RAY),
    Case("on_ray", "threads_in_workers", 5, environment=RAY),
    Case("on_optuna", "a_journal_of_two_processes", 5, environment=FREE),
    Case("on_optuna", "threads_in_trials", 5, environment=FREE),
    Case("on_mpi", "threads_in_ranks", 5, environment=FREE),
]
