"""Inside a network: its states over time, the flow of errors, the course of training.

For any model of sequences: which features and steps its predictions depend on.
"""

from sklstm.inspection._attribution_display import AttributionDisplay
from sklstm.inspection._attributions import attributions
from sklstm.inspection._displays import ErrorFlowDisplay, LossCurveDisplay, StateDisplay
from sklstm.inspection._error_flow import error_flow, plain_error_flow
from sklstm.inspection._permutation import permutation_importance
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
