import numpy as np

def run_units(net: np.ndarray, w_self: np.ndarray, offsets: np.ndarray) -> None: ...
def run_back(
    error: np.ndarray,
    values: np.ndarray,
    w_self: np.ndarray,
    offsets: np.ndarray,
    d_w_self: np.ndarray,
) -> None: ...
