"""Estimators built from other estimators: forecasts relative to the last value."""

from sklstm.compose._relative import RelativeRegressor

__all__ = ["RelativeRegressor"]
