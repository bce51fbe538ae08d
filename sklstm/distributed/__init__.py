"""Training on the workers of a Dask cluster, and averages of models that were trained apart.

Needs ``dask`` and ``distributed``: ``pip install 'sklstm[dask]'``. For other engines, see
``compute_gradient`` and ``apply_gradient`` of the estimators.
"""

from sklstm.distributed._average import average
from sklstm.distributed._fit import fit

__all__ = ["average", "fit"]
