"""The shipped data are the published ones."""

from hashlib import sha256
from importlib.resources import files

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklstm.datasets import load_japanese_vowels

TEST_COUNTS = [31, 35, 88, 44, 29, 24, 40, 50, 29]  # utterances of each speaker, published


def test_japanese_vowels_have_the_published_split():
    train, test = (load_japanese_vowels(split=split) for split in ("train", "test"))
    assert (len(train.data), len(test.data)) == (270, 370)
    assert_array_equal(np.bincount(train.target), [30] * 9)
    assert_array_equal(np.bincount(test.target), TEST_COUNTS)


def test_japanese_vowels_have_the_published_shapes():
    vowels = load_japanese_vowels()
    lengths = [len(x) for x in vowels.data]
    assert (min(lengths), max(lengths), sum(lengths)) == (7, 29, 9961)
    assert {x.shape[1] for x in vowels.data} == {12} == {len(vowels.feature_names)}
    assert {x.dtype for x in vowels.data} == {np.dtype(np.float64)}
    assert vowels.target.dtype == np.int64
    assert len(vowels.target_names) == 9
    assert "CC BY 4.0" in vowels.DESCR


def test_both_parts_together_are_train_then_test():
    X, y = load_japanese_vowels(return_X_y=True)
    parts = [load_japanese_vowels(split=split, return_X_y=True) for split in ("train", "test")]
    assert_array_equal(y, np.concatenate([target for _, target in parts]))
    assert_array_equal(np.concatenate(X), np.concatenate([x for data, _ in parts for x in data]))


def test_values_are_the_decimals_of_the_text():
    train, _ = load_japanese_vowels(split="train", return_X_y=True)
    assert train[0].shape == (20, 12)
    # The first line of JapaneseVowels_TRAIN.ts: twelve channels of twenty steps.
    assert train[0][:5, 0].tolist() == [1.860936, 1.891651, 1.939205, 1.717517, 1.741191]
    assert train[0][:3, 1].tolist() == [-0.207383, -0.193249, -0.239664]


def test_all_values_are_those_that_were_compared_with_the_text():
    # benchmarks/make_japanese_vowels.py compares; this is the fingerprint of what it accepted.
    X, _ = load_japanese_vowels(return_X_y=True)
    fingerprint = sha256(np.concatenate(X).astype("<f8").tobytes()).hexdigest()
    assert fingerprint.startswith("ca43c43ffb87230ce889ee8b")


def test_each_call_gives_arrays_of_its_own():
    X, y = load_japanese_vowels(return_X_y=True)
    X[0][:], y[:] = 7.0, 7
    again, target = load_japanese_vowels(return_X_y=True)
    assert again[0].max() < 7
    assert target.max() == 8
    assert X[0].base is None


def test_the_file_is_small_and_holds_no_pickle():
    path = files("sklstm").joinpath("data", "japanese_vowels.npz")
    content = path.read_bytes()
    assert len(content) < 600_000
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        assert {stored[name].dtype.kind for name in stored.files} == {"i"}


def test_an_unknown_split_is_an_error():
    with pytest.raises(ValueError, match="split must be 'train', 'test' or None, got 'valid'"):
        load_japanese_vowels(split="valid")
