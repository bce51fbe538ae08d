"""All cases: what each needs, how often it is tried, and how long that may take."""

from tests.cases import Case

ACTIVE = {"OMP_WAIT_POLICY": "active", "OMP_NUM_THREADS": "8"}

CASES = [
    Case("forks", "of_a_child", 200),
    Case("forks", "of_a_stream", 200, 4),
    Case("forks", "while_threads_work", 900, 8),
    Case("forks", "of_a_server", 50),
    Case("forks", "with_threads", 100),
    Case("forks", "in_the_middle_of_an_update", 100, 2),
    Case("forks", "in_the_middle_of_a_fit", 100, 2),
    Case("pools", "of_an_executor", 50),
    Case("pools", "of_forking_joblib", 50),
    Case("pools", "of_a_fork_server", 50),
    Case("pools", "spawned", 50),
    Case("pools", "nested", 20),
    Case("pools", "searches", 10),
    Case("pools", "shared_model", 20),
    Case("threads", "streams_of_a_model", 200, 2),
    Case("threads", "calls_of_a_model", 50),
    Case("threads", "fits_side_by_side", 50),
    Case("threads", "short_lives", 20),
    Case("threads", "on_one_processor", 50),
    Case("threads", "told_of_a_quota", 50),
    Case("threads", "under_a_quota", 20),
    Case("threads", "from_one_processor", 50, one_processor=True),
    Case("threads", "more_threads_than_processors", 50, environment=ACTIVE),
    Case("runtimes", "torch_first", 50),
    Case("runtimes", "torch_last", 50),
]
