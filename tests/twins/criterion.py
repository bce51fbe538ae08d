"""When a trial stops and what it counts, written to be read: for a net that does not change.

    follow(readings, criterion)   the record of a trial that reads these, one after the other

A reading is (whether the net was wrong, its error, steps).
"""

import numpy as np


def follow(readings, criterion):
    c = criterion
    readings = iter(readings)
    trained, steps, tests, first, success = [], 0, 0, -1, False
    while len(trained) < c.cap and not success:
        trained.append(next(readings))
        steps += trained[-1][2]
        if len(trained) < c.window or len(trained) % c.check:
            continue
        wrong, error = np.transpose([reading[:2] for reading in trained[-c.window :]])
        if wrong.sum() > c.window_wrong or not error.mean() < c.window_error:
            continue
        if c.n_test == 0:
            success, first = True, len(trained)
            continue
        tests += 1
        tested = []
        while len(tested) < c.n_test and sum(reading[0] for reading in tested) <= c.test_wrong:
            tested.append(next(readings))
            steps += tested[-1][2]
        wrong, error = np.transpose([reading[:2] for reading in tested])
        if wrong.sum() <= c.test_wrong:
            first = len(trained) if first < 0 else first
            success = bool(error.mean() < c.test_error)
    final = []
    if success or c.final_always:
        final = [next(readings) for _ in range(c.n_final)]
    recent = trained[-c.window :]
    return {
        "finished": True,
        "success": success,
        "sequences": len(trained),
        "first": first,
        "steps": steps + sum(reading[2] for reading in final),
        "tests": tests,
        "recent_error": np.mean([error for _, error, _ in recent]),
        "recent_wrong": sum(wrong for wrong, _, _ in recent),
        "n_final": len(final),
        "final_wrong": sum(wrong for wrong, _, _ in final),
        "final_error": np.mean([error for _, error, _ in final]) if final else np.nan,
        "final_length": np.mean([n for _, _, n in final]) if final else np.nan,
    }
