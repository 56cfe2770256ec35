"""The questions of `luodi new`, at a terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from luodi.starting.answers import Answers, Question
from luodi.words import Language, Words

if TYPE_CHECKING:
    import questionary

_MANY = 12
"""Choices from which on typing looks for one."""
_CHOOSE = Words("（用方向键选择，回车确定）", "(arrow keys, then Enter)")
_LOOK_FOR = Words("（输入字母查找，或用方向键选择）", "(type to look for one, or arrow keys)")
_YES_OR_NO = Words("（Y/n）", "(Y/n) ")


def ask(
    question: Question, known: Answers, default: str | None, check: Callable[[str], str], language: Language
) -> str:
    """The answer, as `check` gives it; `default` stands there already.

    While an answer is typed, what is wrong with it is shown, or what a filing may object to. Raises KeyboardInterrupt
    or EOFError when whoever is asked has enough.
    """
    prompt = (
        _select(question, default, language) if question.choices else _text(question, default, known, check, language)
    )
    return check(str(prompt.unsafe_ask()))


def confirm(words: Words, language: Language) -> bool:
    """Yes, which Enter means too, or no. Raises as `ask` does."""
    import questionary

    return bool(questionary.confirm(words.in_(language), instruction=_YES_OR_NO.in_(language)).unsafe_ask())


def _select(question: Question, default: str | None, language: Language) -> questionary.Question:
    import questionary

    searched = len(question.choices) >= _MANY
    return questionary.select(
        question.ask.in_(language),
        [questionary.Choice(choice.name.in_(language), choice.value) for choice in question.choices],
        default,
        instruction=(_LOOK_FOR if searched else _CHOOSE).in_(language),
        use_search_filter=searched,
        use_jk_keys=not searched,
    )


def _text(
    question: Question, default: str | None, known: Answers, check: Callable[[str], str], language: Language
) -> questionary.Question:
    import questionary
    from prompt_toolkit.application import get_app
    from rich.cells import cell_len, chop_cells

    def judged(text: str) -> bool | str:
        try:
            check(text)
        except ValueError as error:
            return str(error)
        return True

    def below() -> str:
        app = get_app()
        text, columns = app.current_buffer.text, app.output.get_size().columns
        try:
            said = _remarks(question, {**known, question.name: check(text)}, language)
        except ValueError as error:
            # The line that tells of it ends at the edge of a narrow terminal.
            said = [str(error)] if text and cell_len(str(error)) > columns else []
        return "\n".join(line for each in said for line in chop_cells(each, columns))

    return questionary.text(
        question.ask.in_(language),
        default or "",
        judged,
        validate_while_typing=True,
        bottom_toolbar=below,
        style=questionary.Style([("bottom-toolbar", "noreverse fg:ansiyellow")]),
    )


def _remarks(question: Question, known: Answers, language: Language) -> list[str]:
    from luodi.starting.stack import advice

    return [words.in_(language) for about, words in advice(known) if about == question.name]
