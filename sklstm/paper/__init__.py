"""The experiments of Hochreiter & Schmidhuber (1997)."""
