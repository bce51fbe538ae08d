"""Kernels: what `_cell.pyx`, `_online.pyx` and the trials of the paper are written in.

All files here are headers, compiled as parts of the modules that read them; these modules are
built into this folder, once for each instruction set and precision, under names such as
``_cell_avx2_f32``.
"""
