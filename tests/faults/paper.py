"""Faults: trials that are stored, and verdicts on them."""

from faults.fault import Fault

RESULTS, VERDICT = "sklstm/paper/_results.py", "sklstm/paper/_verdict.py"
COLUMNS, RUN = "sklstm/paper/_columns.py", "sklstm/paper/_run.py"
STORED, JUDGED = "test_paper_results.py", "test_paper_verdicts.py"

FAULTS = [
    Fault(
        "paper-again",
        "stored trials are run again",
        COLUMNS,
        "if results.find(cell.group, seed, cell.cap) is None]",
        "if results.find(cell.group, seed, cell.cap) is None or True]",
        STORED,
    ),
    Fault(
        "paper-cap",
        "a failure at a lower cap is taken for one at a higher cap",
        RESULTS,
        'return early or trial["cap"] == cap',
        'return early or trial["cap"] <= cap',
        STORED,
    ),
    Fault(
        "paper-finite",
        "infinite numbers are stored without a reason",
        RESULTS,
        'reasons[name] = f"not finite: {value}"',
        "pass",
        STORED,
    ),
    Fault(
        "paper-merge",
        "trials of another process are lost",
        RESULTS,
        "if self._stamp() not in (None, self._seen):",
        "if self._seen is None and self._stamp() is not None:",
        STORED,
    ),
    Fault(
        "paper-strings",
        "the strings of experiment 1 depend on the other trials",
        RUN,
        "data_set=seeds[0] % N_SETS)",
        "data_set=len(seeds) % N_SETS)",
        STORED,
    ),
    Fault(
        "paper-points",
        "trials exclude a success rate that is equally probable",
        VERDICT,
        "binom.sf(k - 1, n, rate) < LEVEL",
        "binom.sf(k, n, rate) < LEVEL",
        JUDGED,
    ),
    Fault(
        "paper-inside",
        "a mean agrees if half of its interval does",
        VERDICT,
        "inside = low > 1 / FACTOR and high < FACTOR",
        "inside = low > 1 / FACTOR or high < FACTOR",
        JUDGED,
    ),
    Fault(
        "paper-low",
        "failures count at any cap",
        VERDICT,
        "low = k < n and cap is not None and cap < needed_cap(sequences)",
        "low = False",
        JUDGED,
    ),
]
