"""Examples that need an optional package are left out where it is missing."""

from importlib.util import find_spec

EXPORTS = ("safetensors", "torch")
NEEDED = {
    "docs/api.md": EXPORTS,
    "docs/export.md": EXPORTS,
    "sklstm/export/_safetensors.py": ("safetensors",),
    "sklstm/export/_torch.py": ("torch",),
    "sklstm/export/_torch_network.py": ("torch",),
}
collect_ignore = [file for file, packages in NEEDED.items() if not all(map(find_spec, packages))]
