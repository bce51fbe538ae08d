"""All cases, and how often each is tried."""

from tests.cases import Case

CASES = [
    Case("kills", "fit_with_checkpoint", 200, 3),
    Case("kills", "long_fit_with_checkpoint", 200, 10),
    Case("kills", "safetensors", 200, 3),
    Case("kills", "header", 200, 3),
    Case("kills", "onnx", 200, 3),
    Case("kills", "results", 200, 3),
    Case("disks", "limited_files", 200, 2),
    Case("disks", "full", 200, 2),
    Case("disks", "read_only", 50),
    Case("disks", "of_another_user", 50),
    Case("memory", "limited", 200, 2),
    Case("memory", "threads", 30, 1),
    Case("memory", "few_processes", 30, 1),
    Case("interrupts", "at_random_moments", 60, 2),
    Case("clocks", "while_training", 200, 2),
]
