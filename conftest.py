"""Examples that need an optional package are left out where it is missing."""

from importlib.util import find_spec

ONNX = ("onnx", "onnxruntime")
EXPORTS = ("safetensors", "skl2onnx", "torch", *ONNX)
NEEDED = {
    "docs/export.md": EXPORTS,
    "docs/user_guide/beyond_one_machine.md": ("distributed", "ray", "pyarrow", "optuna"),
    "docs/user_guide/arrow.md": ("pyarrow", "polars", "duckdb", "awkward"),
    "sklstm/datasets/_arrow.py": ("pyarrow",),
    "sklstm/distributed/_cluster.py": ("distributed",),
    "sklstm/distributed/_partitions.py": ("distributed",),
    "sklstm/export/_graph.py": ONNX,
    "sklstm/export/_onnx.py": ONNX,
    "sklstm/export/_onnx_categories.py": ONNX,
    "sklstm/export/_onnx_layers.py": ONNX,
    "sklstm/export/_onnx_outputs.py": ONNX,
    "sklstm/export/_onnx_steps.py": ONNX,
    "sklstm/export/_skl2onnx.py": ("skl2onnx", *ONNX),
    "sklstm/export/_safetensors.py": ("safetensors",),
    "sklstm/export/_torch.py": ("torch",),
    "sklstm/export/_torch_network.py": ("torch",),
}
collect_ignore = [file for file, packages in NEEDED.items() if not all(map(find_spec, packages))]
