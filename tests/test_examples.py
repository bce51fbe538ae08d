"""The examples run and show what they say."""

import re
import runpy
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name, capsys):
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    return capsys.readouterr().out


def test_gestures_of_unknown_people_are_told_apart(capsys):
    printed = run("ragged_gestures.py", capsys)
    accuracy = float(re.search(r"unknown people: ([\d.]+)", printed)[1])
    assert accuracy > 0.8


def test_a_model_that_goes_on_learning_follows_the_change(capsys):
    printed = run("online_stream.py", capsys)
    first = re.findall(r"error ([\d.]+)$", printed, flags=re.MULTILINE)
    last = re.findall(r"error ([\d.]+), without further learning ([\d.]+)", printed)[-1]
    assert float(first[-1]) < float(first[0])
    assert float(last[0]) < float(last[1]) / 2


def test_every_example_is_tested():
    source = Path(__file__).read_text()
    assert all(f'"{script.name}"' in source for script in EXAMPLES.glob("*.py"))
