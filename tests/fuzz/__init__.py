"""Models, streams and files with something in them changed: what is done with them may be refused.

A case works, or is refused by one of the exceptions of ``exercise.py`` and ``unpickling.py``. It
fails with any other, with a crash, after half a minute, and with more memory than ``worker.py``
allows.

There is no coverage-guided target: in 23,324 runs of load_safetensors, atheris 3.0 found nothing.

``python -m tests.fuzz --help`` says how to run it for longer than the tests do.
"""
