"""Export models to ONNX, C, PyTorch and Keras, and save them in files without pickle."""

from sklstm.export._c import to_c
from sklstm.export._keras import from_keras, to_keras
from sklstm.export._onnx import to_onnx
from sklstm.export._safetensors import load_safetensors, save_safetensors
from sklstm.export._skl2onnx import register_skl2onnx
from sklstm.export._state import load_state_dict, state_dict
from sklstm.export._torch import from_torch, to_torch

__all__ = [
    "from_keras",
    "from_torch",
    "load_safetensors",
    "load_state_dict",
    "register_skl2onnx",
    "save_safetensors",
    "state_dict",
    "to_c",
    "to_keras",
    "to_onnx",
    "to_torch",
]
