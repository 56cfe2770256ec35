"""The Pulumi engine for any machine: found, downloaded, or built from Go modules.

Only the standard library is used, so that it runs before anything is installed:
``python3 engine/provide.py --help``. What other programs of the project need is
:func:`engine.environment.variables`.
"""
