"""States and error flow of a network, training curves, attributions and feature importance.

``permutation_importance`` works with any model of sequences. The other functions need an LSTM of
this package. The displays also take a fitted pipeline that ends with one.
"""

from sklstm.inspection._attribution_display import AttributionDisplay
from sklstm.inspection._attributions import attributions
from sklstm.inspection._error_flow import error_flow, plain_error_flow
from sklstm.inspection._error_flow_display import ErrorFlowDisplay
from sklstm.inspection._loss_curve_display import LossCurveDisplay
from sklstm.inspection._permutation import permutation_importance
from sklstm.inspection._state_display import StateDisplay
from sklstm.inspection._states import hidden_states

__all__ = [
    "AttributionDisplay",
    "ErrorFlowDisplay",
    "LossCurveDisplay",
    "StateDisplay",
    "attributions",
    "error_flow",
    "hidden_states",
    "permutation_importance",
    "plain_error_flow",
]
