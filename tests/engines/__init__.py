"""Searches, predictions and trials on workers of joblib, Dask, Ray, Optuna and MPI.

Whatever engine does the work, its results have the bits of one process.
"""
