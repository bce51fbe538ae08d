"""scikit-learn's metrics for targets per step.

With ``return_sequences=True`` targets and predictions have one row per step, in arrays of shape
(n, T) or in lists of arrays of any length. scikit-learn's metrics take flat arrays.
:func:`flatten_steps` makes flat arrays for any metric, and :func:`make_step_scorer` makes a scorer
for ``scoring=`` in cross-validation and parameter searches.

**Cross-validated predictions per step.** :func:`sklearn.model_selection.cross_val_predict` works
for arrays of shape (n, T, F) with ``method="predict"``, but not for ragged lists or probabilities.
Use :func:`sklearn.model_selection.cross_validate` instead. It returns the fitted estimators, the
test indices and the scores. This works for every container and every method:

>>> import numpy as np
>>> from sklearn.model_selection import cross_validate
>>> from sklstm import LSTMClassifier
>>> from sklstm.metrics import make_step_scorer
>>> rng = np.random.default_rng(0)
>>> X = [rng.normal(size=(rng.integers(5, 15), 2)) for _ in range(60)]
>>> y = [(x[:, 0] > 0).astype(int) for x in X]
>>> model = LSTMClassifier(8, return_sequences=True, random_state=0)
>>> folds = cross_validate(
...     model, X, y, cv=3, scoring=make_step_scorer("f1"), return_estimator=True,
...     return_indices=True,
... )
>>> proba = [None] * len(X)
>>> for fitted, test in zip(folds["estimator"], folds["indices"]["test"]):
...     for i, steps in zip(test, fitted.predict_proba([X[i] for i in test])):
...         proba[i] = steps
>>> [p.shape == (len(x), 2) for p, x in zip(proba, X)] == [True] * 60
True
"""

from sklstm.metrics._flat import flatten_steps
from sklstm.metrics._scorer import StepScorer as StepScorer
from sklstm.metrics._scorer import make_step_scorer

__all__ = ["flatten_steps", "make_step_scorer"]
