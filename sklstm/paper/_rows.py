"""The rows of the paper's tables, with published results and settings.

The results are from tables 1 to 9, the settings from tables 10 and 11.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

N_SETS, N_STRINGS = 3, 256  # experiment 1: number of sets, training and test strings of each
N_RECENT = 2000  # recent training sequences whose errors decide 4 to 6
N_TEST = 2560  # sequences of the test sets of 3 to 6


@dataclass(frozen=True, kw_only=True)
class PublishedNet:
    """A net of Table 10.

    Attributes
    ----------
    blocks : int
        Number of memory blocks.
    cells : int
        Number of cells per block.
    bias : {"all", "hidden", "gates"} or None
        Units with biases, as for the parameter ``bias`` of an estimator.
    init_range : float, default=0.1
        Initial weights are drawn from U[-init_range, init_range].
    gate_bias : dict or None, default=None
        Initial biases of "input" and "output" gates, one number per block.
    cell : str, default="1997"
        Name of the cell, as for the parameter ``cell`` of an estimator.
    """

    blocks: int
    cells: int
    bias: str | None
    init_range: float = 0.1
    gate_bias: dict[str, tuple[float, ...]] | None = None
    cell: str = "1997"


@dataclass(frozen=True)
class Row:
    """A row for LSTM.

    Attributes
    ----------
    experiment : str
    columns : dict
        Columns of the table that identify the row.
    net : PublishedNet
    rate : float
        Learning rate.
    weights : int
        Published number of weights.
    n_trials : int
    sequences : float
        Published mean number of training sequences to success.
    success : float
        Published fraction of successful trials.
    published : dict
        Other figures of the table.
    mean_steps : float
        Mean number of steps of a sequence.
    """

    experiment: str
    columns: dict[str, Any]
    net: PublishedNet
    rate: float
    weights: int
    n_trials: int
    sequences: float
    success: float = 1.0
    published: dict[str, Any] = field(default_factory=dict)
    mean_steps: float = 100

    @property
    def name(self) -> str:
        """Name of the row on the command line."""
        parts = [str(v) if k == "net" else f"{k}={v}" for k, v in self.columns.items()]
        return self.experiment + (":" + ",".join(parts) if parts else "")


@dataclass(frozen=True, kw_only=True)
class OtherRow:
    """A row for a system other than LSTM.

    Attributes
    ----------
    name : str
        Name on the command line: ``experiment:system``, plus ``/`` and an identifier if a system
        has several rows.
    label : str
        Name in the tables of docs/paper.md.
    settings : dict
        Arguments of the function that runs its trials.
    weights : int or str
        Published number of weights; None if there is no figure.
    n_trials : int
        Published number of trials; None if not known.
    sequences : int or str
        Published mean number of training sequences to success, or text.
    success : int or str
        Published per cent of successful trials, or text.
    cap : int
        Training sequences after which a trial fails.
    """

    name: str
    label: str
    settings: dict[str, Any]
    weights: int | str | None
    n_trials: int | None
    sequences: int | str
    success: int | str
    cap: int

    @property
    def experiment(self) -> str:
        return self.name.partition(":")[0].partition("/")[0]


def _net(blocks, cells, bias, init_range=0.1, **gate_bias):
    return PublishedNet(
        blocks=blocks,
        cells=cells,
        bias=bias,
        init_range=init_range,
        gate_bias=gate_bias or None,
    )


def _reber(blocks, cells, rate, sequences, success=1.0, **published):
    net = _net(blocks, cells, "gates", 0.2, output=tuple(-1.0 - k for k in range(blocks)))
    return Row(
        "1",
        {"net": f"{blocks}x{cells}", "lr": rate},
        net,
        rate,
        264 if cells == 1 else 276,
        30,
        sequences,
        success,
        published,
        mean_steps=11,
    )


def _long_lag(q, p, sequences):
    net = _net(2, 1, None, 0.2)
    return Row("2c", {"q": q, "p": p}, net, 0.01, 6 * p + 64, 20, sequences, mean_steps=q + 12)


def _two(experiment, length, n, rate, first, sequences, **published):
    net = _net(3, 1, "hidden", input=(-1.0, -3.0, -5.0), output=(-2.0, -4.0, -6.0))
    if first:
        published["first"] = first
    columns = {"T": length, "N": n}
    return Row(
        experiment,
        columns,
        net,
        rate,
        102,
        10,
        sequences,
        published=published,
        mean_steps=1.05 * length,
    )


def _pairs(experiment, columns, sequences, published, rate, **gate_bias):
    length = columns.get("T", 100)
    return Row(
        experiment,
        columns,
        _net(2, 2, "all", **gate_bias),
        rate,
        93,
        10,
        sequences,
        published=published,
        mean_steps=1.05 * length,
    )


def _order(experiment, blocks, rate, weights, n_trials, sequences, wrong):
    net = _net(blocks, 2, "all", input=tuple(-2.0 * (k + 1) for k in range(blocks)))
    published = {"wrong": wrong}
    return Row(
        experiment, {}, net, rate, weights, n_trials, sequences, 1.0, published, mean_steps=105
    )


_LONGEST_ADDING = {"wrong": 1, "range": (370_000, 2_020_000)}
ROWS = [
    _reber(4, 1, 0.1, 39_740),
    _reber(3, 2, 0.1, 21_730),
    _reber(3, 2, 0.2, 14_060, 0.97),
    _reber(4, 1, 0.5, 9_500, 0.97),
    _reber(3, 2, 0.5, 8_440, range=(3_800, 24_100)),
    Row("2a", {"p": 100}, _net(1, 1, None, 0.2), 1.0, 10_504, 18, 5_040),
    Row("2b", {"p": 100}, _net(1, 1, None, 0.2), 1.0, 10_504, 18, 5_680),
    _long_lag(50, 50, 30_000),
    _long_lag(100, 100, 31_000),
    _long_lag(200, 200, 33_000),
    _long_lag(500, 500, 38_000),
    _long_lag(1000, 1000, 49_000),
    _long_lag(1000, 500, 49_000),
    _long_lag(1000, 200, 75_000),
    _long_lag(1000, 100, 135_000),
    _long_lag(1000, 50, 203_000),
    _two("3a", 100, 3, 1.0, 27_380, 39_850, fraction_wrong=0.000195),
    _two("3a", 100, 1, 1.0, 58_370, 64_330, fraction_wrong=0.000117),
    _two("3a", 1000, 3, 1.0, 446_850, 452_460, fraction_wrong=0.000078),
    _two("3b", 100, 3, 1.0, 41_740, 43_250, fraction_wrong=0.00828),
    _two("3b", 100, 1, 1.0, 74_950, 78_430, fraction_wrong=0.01500),
    _two("3b", 1000, 1, 1.0, 481_060, 485_080, fraction_wrong=0.01207),
    _two("3c", 100, 3, 0.1, None, 269_650, fraction_wrong=0.00558, error=0.014),
    _two("3c", 100, 1, 0.1, None, 565_640, fraction_wrong=0.00441, error=0.012),
    _pairs("4", {"T": 100}, 74_000, {"wrong": 1}, 0.5, input=(-3.0, -6.0)),
    _pairs("4", {"T": 500}, 209_000, {"wrong": 0}, 0.5, input=(-3.0, -6.0)),
    _pairs("4", {"T": 1000}, 853_000, _LONGEST_ADDING, 0.5, input=(-3.0, -6.0)),
    # the table says "MSE", but probably means the mean absolute error, see docs/paper.md
    _pairs("5", {"n_seq": 140}, 482_000, {"wrong": 139, "error": 0.0223}, 0.1),
    _pairs("5", {"n_seq": 13}, 1_273_000, {"wrong": 14, "error": 0.0139}, 0.1),
    _order("6a", 2, 0.5, 156, 20, 31_390, 1),
    _order("6b", 3, 0.1, 308, 10, 571_100, 2),
]
EXPERIMENTS = list(dict.fromkeys(row.experiment for row in ROWS))


def select(request: str) -> list[Row]:
    """Return the rows of a name: ``4``, ``4:T=500``, ``1:3x2,lr=0.5``, ``all``.

    Raises
    ------
    ValueError
        If no row has this name. The message lists the names.
    """
    if request == "all":
        return ROWS
    experiment, _, conditions = request.partition(":")
    rows = [row for row in ROWS if row.experiment == experiment]
    if not rows:
        raise ValueError(f"there is no experiment {experiment!r}: {', '.join(EXPERIMENTS)}.")
    for condition in filter(None, conditions.split(",")):
        name, equals, value = condition.partition("=")
        if not equals:
            name, value = "net", condition
        rows = [row for row in rows if name in row.columns and str(row.columns[name]) == value]
    if not rows:
        known = ", ".join(row.name for row in ROWS if row.experiment == experiment)
        raise ValueError(f"no row of experiment {experiment} is {conditions!r}: {known}.")
    return rows
