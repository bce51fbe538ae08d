"""What the kernels should compute, in a few lines of NumPy that are right by reading."""
