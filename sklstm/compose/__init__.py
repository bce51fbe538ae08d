"""Estimators made of other estimators: forecasts relative to now."""

from sklstm.compose._relative import RelativeRegressor

__all__ = ["RelativeRegressor"]
