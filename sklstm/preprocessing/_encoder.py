"""SequenceEncoder: symbols to the codes that an estimator takes as ``categorical_features``."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklstm._callbacks import one_task
from sklstm._laws import check_finite
from sklstm._links import Linked
from sklstm._restored import (
    check,
    check_input,
    check_places,
    require_int,
    require_list,
    restoring,
)
from sklstm._sequences import Sequences, read_sequences
from sklstm._sklearn import (
    CallbackSupportMixin,
    Interval,
    Options,
    StrOptions,
    _fit_context,
    _wrap_data_with_container,
)
from sklstm._snapshots import revised, snapshot
from sklstm.preprocessing._encoder_stream import EncoderStream
from sklstm.preprocessing._symbols import Symbols, read_symbols
from sklstm.preprocessing._transformer import as_given, for_inverse
from sklstm.preprocessing._vocabulary import Vocabulary

LARGEST_FLOAT32 = 2**24  # float32 rounds larger whole numbers


def _has_no_limits(encoder: SequenceEncoder) -> bool:
    for name in ("min_frequency", "max_categories"):
        value = getattr(encoder, name)
        if value is not None:
            raise AttributeError(
                f"partial_fit needs {name}=None, got {value!r}: the counts of later calls would "
                f"change the codes of earlier ones. Call fit on all sequences, or set "
                f"{name}=None."
            )
    return True


class _Encoding:
    """Methods outside of the class whose ``transform`` scikit-learn wraps: see ``_Transform``."""

    def transform(self, X: Any) -> Any:
        """Replace the symbols of ``X`` by their codes.

        Parameters
        ----------
        X : list of sequences, array of shape (n, T, F), or table of shape (n, T)
            Sequences of symbols, in the form that ``fit`` takes.

        Returns
        -------
        X_encoded : array or list
            The same container type as ``X``, with an array of shape (T_i, F) per sequence. A table
            is returned for a table. The parameter ``dtype`` sets the dtype.

        Raises
        ------
        ValueError
            If ``handle_unknown="error"`` and a symbol was not seen in ``fit``, or if ``X`` does not
            have the form of ``fit``. The message names the sequence and the step.
        sklearn.exceptions.NotFittedError
            If the encoder is not fitted.
        """
        check_is_fitted(self)
        now = snapshot(self)
        sequences = now._encoded(read_symbols(now, X, reset=False))
        encoded = as_given(sequences.values, sequences)
        if sequences.container != "rows":
            return encoded
        return _wrap_data_with_container("transform", encoded, X, now)

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Learn the symbols of ``X`` and replace them by their codes.

        Parameters
        ----------
        X : list of sequences, array of shape (n, T, F), or table of shape (n, T)
            Sequences of symbols, in the form that ``fit`` takes.
        y : None
            Ignored.

        Returns
        -------
        X_encoded : array or list
            The codes, as ``transform`` returns them.

        Raises
        ------
        ValueError
            If ``X`` is not valid. The message names the sequence and the step.
        TypeError
            If the symbols of a feature have different types, or cannot be sorted.
        """
        return self.fit(X, y).transform(X)


class SequenceEncoder(
    _Encoding, Linked, CallbackSupportMixin, OneToOneFeatureMixin, TransformerMixin, BaseEstimator
):
    """Encode symbols as the codes that the LSTM estimators take as ``categorical_features``.

    A symbol is a string or a number that denotes a category: a word, a character, a base of DNA,
    the name of an event. Each feature has its own codes, 0 to ``n_categories - 1`` in the order of
    the sorted symbols. Columns of numbers are not changed. Pass the numbers of the encoded features
    as ``categorical_features`` to the estimator; otherwise it reads the codes as quantities.

    Parameters
    ----------
    min_frequency : int or float, default=None
        Symbols that occur less often in training are infrequent. An int is a number of steps, a
        float a fraction of all training steps. All infrequent symbols of a feature share its last
        code. Set it if many symbols occur only a few times. With None no symbol is infrequent.
    max_categories : int, default=None
        Largest number of codes of a feature, including the shared one. The rarest symbols become
        infrequent. Set it to limit the size of the model. None sets no limit.
    handle_unknown : {"ignore", "infrequent_if_exist", "error"}, default="ignore"
        What ``transform`` does with a symbol that was not seen in ``fit``:

        - "ignore" : the code is -1. The symbol contributes nothing to the estimators.
        - "infrequent_if_exist" : the code is that of the infrequent symbols, or -1 if there is
          none.
        - "error" : ``transform`` raises a ValueError that names the symbol and the step.
    dtype : {"float64", "float32"} or dtype, default="float64"
        Dtype of the result. Estimators compute in this dtype: "float32" needs less time and memory.

    Attributes
    ----------
    categories_ : list of ndarray
        Symbols of each encoded feature that were seen in training, sorted, including infrequent
        ones. Symbols from a later ``partial_fit`` follow those of earlier calls.
    infrequent_categories_ : list of (ndarray or None)
        Infrequent symbols of each encoded feature. None if it has none.
    encoded_features_ : ndarray of int
        Numbers of the encoded features. Pass them to an estimator as ``categorical_features``.
    n_features_in_ : int
        Number of features of a step, or of columns if ``X`` was a table.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, if ``X`` was a data frame or a list of data frames.

    See Also
    --------
    SequenceScaler : Scale numbers. It does not change ``categorical_features``.
    sklstm.stream : Use a fitted pipeline on a stream of symbols.

    Notes
    -----
    A sequence is one of these:

    - a str: its characters are the symbols.
    - a list or array of symbols, one per step. The symbols may be numbers.
    - a list of rows, or an array of shape (T, F). A column is encoded unless all its values are
      numbers.
    - a data frame of pandas or polars. Columns of strings and of categories are encoded. Columns of
      objects are encoded unless all their values are numbers. To encode a column of numbers,
      convert it: ``x.astype({"page": "category"})``.

    A table of shape (n, T) has one sequence per row and one symbol per step. All its columns share
    the same codes. In a list of str, every str is a sequence of characters: pass ``x.split()`` for
    words.

    None, NaN and NA are missing values, and NaN in the result. The estimators treat missing as a
    category of its own if it occurred in training.

    ``min_frequency``, ``max_categories`` and the order of codes follow
    :class:`~sklearn.preprocessing.OrdinalEncoder`, applied to a column of all steps. Only the
    default of ``handle_unknown`` differs.

    All symbols of a feature must have one type, because numbers and strings have no common order.

    Examples
    --------
    >>> from sklstm.preprocessing import SequenceEncoder
    >>> X = [["home", "search", "buy"], ["search", "home"]]
    >>> encoder = SequenceEncoder().fit(X)
    >>> encoder.categories_
    [array(['buy', 'home', 'search'], dtype=object)]
    >>> [x.ravel().tolist() for x in encoder.transform(X)]
    [[1.0, 2.0, 0.0], [2.0, 1.0]]
    >>> encoder.transform([["home", "help"]])
    [array([[ 1.],
           [-1.]])]
    >>> encoder.inverse_transform([[[1], [-1]]])
    [array(['home', None], dtype=object)]

    Symbols beside numbers:

    >>> import pandas as pd
    >>> frames = [pd.DataFrame({"page": ["a", "b"], "seconds": [3.5, 20.0]})]
    >>> encoder = SequenceEncoder().fit(frames)
    >>> encoder.encoded_features_
    array([0])
    >>> encoder.transform(frames)
    [array([[ 0. ,  3.5],
           [ 1. , 20. ]])]
    """

    _parameter_constraints: ClassVar[dict] = {
        "min_frequency": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="neither"),
            None,
        ],
        "max_categories": [Interval(Integral, 1, None, closed="left"), None],
        "handle_unknown": [StrOptions({"ignore", "infrequent_if_exist", "error"})],
        "dtype": [
            StrOptions({"float64", "float32"}),
            Options(type, {np.float64, np.float32}),
            Options(np.dtype, {np.dtype(np.float64), np.dtype(np.float32)}),
        ],
    }

    def __init__(
        self,
        *,
        min_frequency: int | float | None = None,
        max_categories: int | None = None,
        handle_unknown: Literal["ignore", "infrequent_if_exist", "error"] = "ignore",
        dtype: Any = "float64",
    ) -> None:
        self.min_frequency = min_frequency
        self.max_categories = max_categories
        self.handle_unknown = handle_unknown
        self.dtype = dtype

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the symbols of each feature. Symbols of earlier calls are forgotten.

        Parameters
        ----------
        X : list of sequences, array of shape (n, T, F), or table of shape (n, T)
            Sequences of symbols. The notes of the class list the forms of a sequence.
        y : None
            Ignored.

        Returns
        -------
        self : SequenceEncoder
            The fitted encoder.

        Raises
        ------
        ValueError
            If ``X`` is not valid. The message names the sequence and the step.
        TypeError
            If the symbols of a feature have different types, or cannot be sorted.
        """
        with one_task(self, X, y), revised(self) as draft:
            symbols = read_symbols(draft, X, reset=True)
            draft._flat = symbols.flat
            draft._learn(
                symbols,
                {
                    j: Vocabulary.of(symbols.feature(j), draft.min_frequency, draft.max_categories)
                    for j in range(symbols.n_features)
                    if symbols.holds_symbols(j)
                },
            )
        return self

    @available_if(_has_no_limits)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Learn further symbols. Known symbols keep their codes.

        Parameters
        ----------
        X : list of sequences, array of shape (n, T, F), or table of shape (n, T)
            Sequences of symbols, in the form that ``fit`` takes. The first call decides which
            features are encoded.
        y : None
            Ignored.

        Returns
        -------
        self : SequenceEncoder
            The encoder.

        Raises
        ------
        AttributeError
            If ``min_frequency`` or ``max_categories`` is set: the counts of later calls would
            change the codes of earlier ones.
        ValueError
            If ``X`` is not valid, or if an earlier ``fit`` found infrequent symbols.
        TypeError
            If the symbols of a feature have different types, or cannot be sorted.
        """
        if not hasattr(self, "encoded_features_"):
            return self.fit(X)
        if any(rare is not None for rare in self.infrequent_categories_):
            raise ValueError(
                "partial_fit cannot continue a fit that found infrequent symbols, because codes "
                "would change. Call fit on all sequences."
            )
        with revised(self) as draft:
            symbols = read_symbols(draft, X, reset=False)
            old = draft._vocabularies
            draft._learn(symbols, {j: old[j].with_new(symbols.feature(j)) for j in old})
        return self

    def inverse_transform(self, X: Any) -> Any:
        """Replace codes by their symbols.

        Parameters
        ----------
        X : array-like of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, T)
            Encoded sequences.

        Returns
        -------
        X_original : array or list
            The same container type as ``X``, with arrays of objects. Their shape is (T_i,) if a
            step of ``fit`` was a single symbol, else (T_i, F). NaN and negative codes become None.
            The code that infrequent symbols share becomes "infrequent_sklearn".

        Raises
        ------
        ValueError
            If a number is not a code. The message names the sequence and the step.
        sklearn.exceptions.NotFittedError
            If the encoder is not fitted.
        """
        check_is_fitted(self)
        now = for_inverse(self, X)
        sequences = read_sequences(now, X, reset=False, allow_nan=True)
        codes = Symbols(list(sequences.values.T), [], sequences.offsets, "list", now._flat)
        original = sequences.values.astype(object)
        for j, vocabulary in now._vocabularies.items():
            original[:, j] = vocabulary.decoded(codes.columns[j], codes.feature(j).place)
        return as_given(original[:, 0] if now._flat else original, sequences)

    def stream(self) -> EncoderStream:
        """Encode a stream, one time step at a time.

        Use :func:`sklstm.stream` for a stream of a whole pipeline.

        Returns
        -------
        stream : EncoderStream
            Its method ``step(x)`` takes a symbol, or a row of symbols and numbers, and returns
            codes and numbers of shape (F,).

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the encoder is not fitted.
        """
        check_is_fitted(self)
        return EncoderStream(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        with restoring(self):
            super().__setstate__(state)
            if hasattr(self, "encoded_features_"):
                self._check_restored()

    # ------------------------------------------------------------------------------ inside

    def _check_restored(self) -> None:
        """Raise an error if attributes contradict each other: they come from a file."""
        n_features, vocabularies = self._n_step_features, self._vocabularies
        require_int("_n_step_features", n_features, 1)
        check_input(self, n_features)
        check_places("encoded_features_", self.encoded_features_, n_features)
        check(isinstance(self._flat, bool), "_flat", self._flat, "True or False")
        good = isinstance(vocabularies, dict) and list(vocabularies) == list(self.encoded_features_)
        check(good, "_vocabularies", vocabularies, "a dict of the features in encoded_features_")
        for name in ("categories_", "infrequent_categories_"):
            require_list(name, getattr(self, name), object, len(vocabularies))
        for vocabulary in vocabularies.values():
            good = isinstance(vocabulary, Vocabulary) and vocabulary.is_whole()
            check(good, "_vocabularies", vocabulary, "symbols with a code each")

    def _check_memory(self, memory: Any) -> None:
        check(memory is None, "memory", memory, "None")

    def _learn(self, symbols: Symbols, vocabularies: dict[int, Vocabulary]) -> None:
        """Set the attributes from the vocabularies of the encoded features, by feature number."""
        known = list(vocabularies.values())
        if np.dtype(self.dtype) == np.float32 and any(v.n_codes > LARGEST_FLOAT32 for v in known):
            raise ValueError(
                f"A feature of X has more than {LARGEST_FLOAT32} symbols. float32 cannot hold "
                'their codes: set dtype="float64".'
            )
        self.encoded_features_ = np.array(list(vocabularies), dtype=np.intp)
        self.categories_ = [vocabulary.categories for vocabulary in known]
        self.infrequent_categories_ = [vocabulary.infrequent for vocabulary in known]
        self._vocabularies = vocabularies
        self._n_step_features = symbols.n_features
        if len(vocabularies) < symbols.n_features:
            self._encoded(symbols)  # raises the errors of the other features

    def _encoded(self, symbols: Symbols) -> Sequences:
        """Codes and numbers."""
        values = np.empty((int(symbols.offsets[-1]), symbols.n_features), self.dtype)
        for j in range(symbols.n_features):
            vocabulary = self._vocabularies.get(j)
            if vocabulary is None:
                column = symbols.numbers(j)
            else:
                column = vocabulary.encoded(symbols.feature(j), self._unknown_code(vocabulary))
            with np.errstate(over="ignore"):  # infinite values raise an error later
                values[:, j] = column
        encoded = Sequences(values, symbols.offsets, symbols.container)
        if symbols.container != "step":
            check_finite(encoded, None, allow_nan=True)
        return encoded

    def _unknown_code(self, vocabulary: Vocabulary) -> int | None:
        if self.handle_unknown == "error":
            return None
        shared = vocabulary.infrequent_code
        return -1 if self.handle_unknown == "ignore" or shared is None else shared

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags
