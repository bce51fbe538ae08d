"""Cases: PyTorch, which brings an OpenMP of its own, in the same process."""

from __future__ import annotations

import sys

from tests.cases import fork, needs, package


def _multiply() -> None:
    import torch

    torch.set_num_threads(2)
    a = torch.ones(400, 400)
    net = torch.nn.LSTM(8, 32, batch_first=True)
    out, _ = net(torch.ones(16, 20, 8))
    out.sum().backward()
    assert float((a @ a)[0, 0]) == 400


def _turns(rounds: int) -> int:
    from tests.concurrency.forks import child
    from tests.concurrency.work import same

    for _ in range(rounds):
        _multiply()
        same()
        _multiply()
        child(same)
    return 2 * rounds


@needs(fork, package("torch"))
def torch_first(rounds: int) -> int:
    """PyTorch is imported and works before the package."""
    _multiply()
    assert "sklstm" not in sys.modules
    return _turns(rounds)


@needs(fork, package("torch"))
def torch_last(rounds: int) -> int:
    """PyTorch is imported when the package has worked."""
    from tests.concurrency.work import same

    same()
    assert "torch" not in sys.modules
    return _turns(rounds)
