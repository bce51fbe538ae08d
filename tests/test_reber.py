"""Strings and streams are those of the embedded Reber grammar, and so are the successors."""

import re

import numpy as np
import pytest
from draws import share_is
from numpy.testing import assert_array_equal

from sklstm.datasets import make_continual_reber, make_embedded_reber, reber_successors

LETTERS = "BTSXPVE"
# The grammar as a pattern, from its drawing: NODE_3 is what may follow in node 3, up to the E.
NODE_3 = "(?:XT*VP)*(?:S|XT*VV)"
STRING = re.compile(f"B([TP])B(?:TS*X{NODE_3}|PT*V(?:V|P{NODE_3}))E\\1E")


def strings(n, **parameters):
    """Strings in letters, with their last one."""
    X, y = make_embedded_reber(n, as_symbols=True, random_state=0, **parameters)
    return [
        "".join(LETTERS[symbol] for symbol in [*x, following[-1]])
        for x, following in zip(X, y, strict=True)
    ]


def symbols(letters):
    return np.array([LETTERS.index(letter) for letter in letters])


def test_strings_are_those_of_the_grammar():
    assert all(STRING.fullmatch(string) for string in strings(2000))


def test_the_shortest_strings_have_nine_symbols_and_the_mean_is_twelve():
    lengths = np.array([len(string) for string in strings(20_000)])
    assert lengths.min() == 9
    assert abs(lengths.mean() - 12) < 5 * lengths.std() / np.sqrt(20_000)


def test_short_strings_come_as_often_as_fair_branches_make_them():
    # Outer branch, and at nodes 0, 1 and 3: T, X, S.  At 0, 2 and 4: P, V, V.
    drawn = strings(20_000)
    for shortest, n_branches in (("BTBTXSETE", 4), ("BPBPVVEPE", 4), ("BTBTSXSETE", 5)):
        assert share_is(drawn.count(shortest) / 20_000, 0.5**n_branches, 20_000)


def test_512_draws_hold_about_160_strings():
    assert 140 < len(set(strings(512))) < 200


def test_distinct_strings_are_distinct():
    drawn = strings(512, distinct=True)
    assert len(drawn) == len(set(drawn)) == 512
    assert all(STRING.fullmatch(string) for string in drawn)


@pytest.mark.parametrize("as_symbols", [False, True])
def test_excluded_strings_are_not_drawn(as_symbols):
    X, _ = make_embedded_reber(256, as_symbols=as_symbols, random_state=1)
    train = {x.tobytes() for x in X}
    test, _ = make_embedded_reber(256, exclude=X, as_symbols=as_symbols, random_state=2)
    assert len(test) == 256
    assert not train & {x.tobytes() for x in test}
    assert len({x.tobytes() for x in test}) < 256  # only distinct=True says otherwise


def test_targets_are_the_next_symbols():
    X, y = make_embedded_reber(50, as_symbols=True, random_state=0)
    for x, following in zip(X, y, strict=True):
        assert_array_equal(x[1:], following[:-1])
        assert LETTERS[following[-1]] == "E"


def test_a_stream_is_strings_without_a_gap():
    X, y = make_continual_reber(20, length=500, as_symbols=True, random_state=0)
    assert X.shape == y.shape == (20, 500)
    assert_array_equal(X[:, 1:], y[:, :-1])
    for stream in X:
        letters = "".join(LETTERS[symbol] for symbol in stream)
        *whole, rest = re.split("(?<=E)(?=B)", letters)  # E before B ends a string
        assert len(whole) > 20
        assert all(STRING.fullmatch(string) for string in whole)
        assert rest.startswith("B")


def test_streams_differ():
    X, _ = make_continual_reber(20, length=200, as_symbols=True, random_state=0)
    assert len({x.tobytes() for x in X}) == 20


def test_legal_successors_are_all_that_ever_follow_a_beginning():
    seen = {}
    for string in strings(20_000):
        for end in range(1, len(string)):
            seen.setdefault(string[:end], []).append(string[end])
    often = {
        beginning: set(next_ones) for beginning, next_ones in seen.items() if len(next_ones) > 100
    }
    assert len(often) > 50
    legal = reber_successors([symbols(beginning) for beginning in often])
    for mask, following in zip(legal, often.values(), strict=True):
        assert {LETTERS[k] for k in np.flatnonzero(mask[-1])} == following


def test_the_symbol_that_follows_is_legal_and_so_is_at_most_one_other():
    for X, y in (
        make_embedded_reber(200, random_state=0),
        make_continual_reber(10, length=300, random_state=0),
    ):
        for legal, following in zip(reber_successors(X), y, strict=True):
            assert legal[np.arange(len(following)), following].all()
            assert set(legal.sum(axis=1)) <= {1, 2}


def test_successors_come_in_the_container_of_x():
    X, _ = make_embedded_reber(5, random_state=0)
    legal = reber_successors(X)
    assert [mask.shape for mask in legal] == [x.shape for x in X]
    assert {mask.dtype for mask in legal} == {np.dtype(bool)}
    X, _ = make_embedded_reber(5, as_symbols=True, random_state=0)
    assert_array_equal(np.vstack(legal), np.vstack(reber_successors(X)))
    for as_symbols in (False, True):
        X, _ = make_continual_reber(3, length=40, as_symbols=as_symbols, random_state=0)
        assert reber_successors(X).shape == (3, 40, 7)


@pytest.mark.parametrize(
    "letters, where",
    [
        (
            "TBTXS",
            "Sequence 1 of X leaves the embedded Reber grammar at step 0: T where B is legal",
        ),
        ("BTBTV", "at step 4: V where S or X is legal"),
        ("BTBTXSEP", "at step 7: P where T is legal"),
        ("BTBTXSEBT", "at step 7: B where T is legal"),
        ("BTBTXSETEBPE", "at step 11: E where B is legal"),
    ],
)
def test_a_string_outside_of_the_grammar_is_named_with_its_step(letters, where):
    good = np.array([0, 1, 0])
    with pytest.raises(ValueError, match=where):
        reber_successors([good, symbols(letters), good])


@pytest.mark.parametrize(
    "bad",
    [
        np.array([0, 7]),
        np.array([0.0, 1.0]),
        np.ones((2, 7)),
        np.eye(3),
        np.array(["B"]),
        np.empty((0, 7)),
    ],
)
def test_what_is_no_string_is_named(bad):
    with pytest.raises(ValueError, match="Sequence 0 of X does not hold symbols of the Reber"):
        reber_successors([bad])
    with pytest.raises(ValueError, match="Sequence 0 of exclude does not hold symbols"):
        make_embedded_reber(3, exclude=[bad])


def test_no_strings_are_an_error_except_to_exclude():
    with pytest.raises(ValueError, match="X is empty"):
        reber_successors([])
    assert len(make_embedded_reber(3, exclude=[])[0]) == 3
