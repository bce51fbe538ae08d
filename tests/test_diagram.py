"""Diagrams of scikit-learn link to the documentation and explain every parameter."""

import re
import tomllib
from pathlib import Path

import pytest
import sklearn
from public import ESTIMATORS, made
from sklearn.pipeline import make_pipeline

from sklstm import LSTMClassifier, compose
from sklstm._links import DOCUMENTATION
from sklstm.preprocessing import SequenceScaler

ROOT = Path(__file__).parents[1]
has_tooltips = pytest.mark.skipif(
    sklearn.__version__ < "1.9", reason="diagrams have tooltips since scikit-learn 1.9"
)


def page(cls):
    return f"{cls.__module__.partition('._')[0]}.{cls.__name__}"


def test_the_address_is_that_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["urls"]["Documentation"] == DOCUMENTATION


def test_estimators_are_found():
    assert {LSTMClassifier, SequenceScaler, compose.RelativeRegressor} < set(ESTIMATORS)


@pytest.mark.parametrize("cls", ESTIMATORS, ids=lambda cls: cls.__name__)
def test_every_estimator_links_to_its_page(cls):
    assert made(cls)._get_doc_link() == f"{DOCUMENTATION}api/generated/{page(cls)}.html"
    listed = (ROOT / "docs" / "api" / "index.rst").read_text(encoding="utf-8")
    module, _, name = page(cls).rpartition(".")
    assert f"   {name}\n" in listed.partition(f".. currentmodule:: {module}\n")[2]


@has_tooltips
@pytest.mark.parametrize("cls", ESTIMATORS, ids=lambda cls: cls.__name__)
def test_every_parameter_has_a_tooltip_and_a_link(cls):
    estimator = made(cls)
    html = estimator._repr_html_()
    for name in estimator.get_params(deep=False):
        assert f"{page(cls)}.html#:~:text={name}," in html, f"{cls.__name__}({name}=)"
    tooltips = re.findall(r'class="param-doc-description"[^>]*>(.*?)</span>', html, re.DOTALL)
    assert len(tooltips) >= len(estimator.get_params(deep=False))
    assert all(len(re.sub(r"<[^>]+>", "", text).strip()) > 10 for text in tooltips)


def test_a_pipeline_links_to_both_pages():
    html = make_pipeline(SequenceScaler(), LSTMClassifier())._repr_html_()
    for cls in (SequenceScaler, LSTMClassifier):
        assert f"{page(cls)}.html" in html
