"""Headers of the kernels, and the compiled kernels.

``_cell.pyx``, ``_online.pyx`` and the trials of the paper include the headers. The modules are
compiled into this folder once for each instruction set and precision, with names such as
``_cell_avx2_f32``.
"""
