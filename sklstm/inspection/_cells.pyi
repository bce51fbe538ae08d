import numpy as np

def forward(
    cell: str,
    peephole: np.ndarray,
    s_before: np.ndarray,
    z: np.ndarray,
    s: np.ndarray,
    h: np.ndarray,
    r: np.ndarray,
) -> None: ...
def errors(
    cell: str, z: np.ndarray, h: np.ndarray, d_r: np.ndarray, d_s: np.ndarray, d_o: np.ndarray
) -> None: ...
def backward(
    cell: str,
    flow: np.ndarray,
    s_before: np.ndarray,
    s: np.ndarray,
    h: np.ndarray,
    d_r: np.ndarray,
    z: np.ndarray,
    d_s: np.ndarray,
    d_peephole: np.ndarray,
) -> None: ...
