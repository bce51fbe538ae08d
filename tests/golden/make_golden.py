"""Write the golden files: what PyTorch and ONNX say, in the layout of our flat vector.

Run ``PYTHONPATH=. python tests/golden/make_golden.py`` after a deliberate change and say in the
commit why the numbers moved. PyTorch, onnx and onnxruntime are needed here only; the tests read
the files through ``tests/golden_values.py``, which says what is in them.

torch_*         float64, ``nn.LSTM`` and autograd; truncated: the same layer written out, with the
                cell outputs detached where they are fed back
onnx_*          float32, the test vectors of ONNX's LSTM operator, and in float64 its reference
                evaluator (peepholes)
onnxruntime_*   float32 (peepholes, coupled gates)

modules/torch_*     state dicts of PyTorch and what the modules return, for the tests of
                    `sklstm.export`
"""

from from_onnx import write_onnx_golden
from from_torch import write_module_golden, write_torch_golden
from golden_file import FOLDER


def main():
    for old in FOLDER.glob("*.npz"):
        old.unlink()
    write_torch_golden()
    write_module_golden()
    write_onnx_golden()
    print(sum(file.stat().st_size for file in FOLDER.glob("*.npz")), "bytes")


if __name__ == "__main__":
    main()
