"""Faults: symbols, and codes that are left as they are."""

from faults.fault import Fault

ENCODER = "sklstm/preprocessing/_encoder.py"
SYMBOLS = "sklstm/preprocessing/_symbols.py"
VOCABULARY = "sklstm/preprocessing/_vocabulary.py"
TESTS, STREAMS = "test_encoder.py", "test_encoder_stream.py"

FAULTS = [
    Fault(
        "encoder-order",
        "codes are in the order in which symbols occur",
        VOCABULARY,
        "        return sorted(new)\n",
        "        sorted(new)\n        return new\n",
        TESTS,
    ),
    Fault(
        "encoder-infrequent-code",
        "the code that infrequent symbols share is not the last one",
        VOCABULARY,
        "np.where(rare, np.count_nonzero(~rare), np.cumsum(~rare) - 1)",
        "np.where(rare, 0, np.cumsum(~rare))",
        TESTS,
    ),
    Fault(
        "encoder-limit",
        "max_categories does not count the shared code",
        VOCABULARY,
        "np.count_nonzero(~rare) + 1 > max_categories",
        "np.count_nonzero(~rare) > max_categories",
        TESTS,
    ),
    Fault(
        "encoder-ties",
        "of equally frequent symbols the last ones become infrequent",
        VOCABULARY,
        'np.argsort(counts, kind="stable")[:n_rare]',
        "np.lexsort((-np.arange(len(counts)), counts))[:n_rare]",
        TESTS,
    ),
    Fault(
        "encoder-share",
        "a share of steps does not count those that miss their symbol",
        VOCABULARY,
        "_infrequent(n, len(feature.values),",
        "_infrequent(n, int(n.sum()),",
        TESTS,
    ),
    Fault(
        "encoder-missing",
        "missing symbols are unknown ones",
        VOCABULARY,
        "                    code = np.nan\n",
        "                    code = unknown\n",
        TESTS,
    ),
    Fault(
        "encoder-negative",
        "the inverse takes -1 for the last symbol",
        VOCABULARY,
        "np.where(codes >= 0, codes, n_codes)",
        "np.where(codes >= 0, codes, n_codes - 1)",
        TESTS,
    ),
    Fault(
        "encoder-append",
        "partial_fit sorts new symbols among the old ones",
        VOCABULARY,
        "symbols = known + _sorted(new, feature, known)",
        "symbols = sorted(known + _sorted(new, feature, known))",
        TESTS,
    ),
    Fault(
        "encoder-columns",
        "a column of categories that are numbers is not encoded",
        SYMBOLS,
        "chosen.append(is_category(column.dtype) or _is_text(column.dtype))",
        "chosen.append(_is_text(column.dtype))",
        TESTS,
    ),
    Fault(
        "encoder-any",
        "only the types of the first data frame say what is encoded",
        SYMBOLS,
        "any(of_item[j] for of_item in flags)",
        "any(of_item[j] for of_item in flags[:1])",
        TESTS,
    ),
    Fault(
        "encoder-place",
        "the place of a symbol is counted from the first sequence",
        SYMBOLS,
        "where = place_of(k, step - int(self.offsets[k]))",
        "where = place_of(k, step)",
        TESTS,
    ),
    Fault(
        "encoder-stream-rows",
        "blocks of a stream are read as numbers",
        "sklstm/_pipeline_stream.py",
        "first.rows(X) if first else read_rows(X, self._n_features)",
        "read_rows(X, first.n_features if first else self._n_features)",
        STREAMS,
    ),
    Fault(
        "scaler-codes",
        "the scaler forgets in later calls which features hold codes",
        "sklstm/preprocessing/_scaler.py",
        "            draft.mean_[draft._categorical], draft.var_[draft._categorical] = 0.0, 1.0\n",
        "                draft.mean_[draft._categorical], "
        "draft.var_[draft._categorical] = 0.0, 1.0\n",
        "test_preprocessing.py",
    ),
    Fault(
        "imputer-codes",
        "the imputer fills in codes, but in streams",
        "sklstm/preprocessing/_imputer.py",
        "        wide[:, 0, self._categorical] = values[:, self._categorical]\n",
        "",
        "test_preprocessing_imputer.py",
    ),
]
