"""Models, streams and files with something in them changed: what is done with them may be refused.

``python -m tests.fuzz --help`` says how to run it for longer than the tests do.
"""
