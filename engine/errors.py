"""The one error that a user of this package sees."""


class EngineError(Exception):
    """Something is missing or went wrong; the text says what, where, why, and what to do next."""
