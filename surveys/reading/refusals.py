"""The sentences behind the codes that the child process refuses with."""

from collections.abc import Mapping

from surveys.errors import ReadingError

CALLED = {
    ",": "comma",
    ";": "semicolon",
    "\t": "tab",
    "|": "vertical bar",
    ":": "colon",
    "^": "caret",
    "~": "tilde",
    "\u060c": "Arabic comma",
    "\u061b": "Arabic semicolon",
    "\x1f": "unit separator",
    "\x01": "control character 1",
}

#: Line of the first row, where the header is the first line.
FIRST = 2

SENTENCES = {
    "blank": "{name} holds no table: every line is blank; export it again.",
    "blank_sheet": "{name} has no filled cell in {where}; export it again, or choose the sheet that holds the answers.",
    "broken": "{name} is not a whole workbook; "
    "open it in a spreadsheet program and save it as XLSX, or export it again.",
    "cells": "{name} has a sheet {sheet!r} with an area of {cells:,} cells where {limit:,} are read; "
    "delete the stray cells beyond the table, or export it as CSV.",
    "columns": "{name} has {columns:,} columns where at most {limit:,} are read; "
    "export only the questions, without the columns of repeats or choices.",
    "failed": "{name} could not be read to its end, so it is damaged or no such file; export it again.",
    "damaged": "{name} cannot be read as what it says it is, so it is damaged; export it again.",
    "memory": "{name} needs more memory than one file may have; export it as CSV, or in smaller parts.",
    "kind": "{name} has a column {column!r} of {kind} where a table holds texts, numbers, days and times; "
    "write each part of it as a column of its own, or leave it out.",
    "no_main": "{name} holds several tables and none is the main one: {listed}; "
    "unpack it and choose the one that holds the answers.",
    "no_sheet": "{name} has no sheet {sheet!r}; it has {listed}.",
    "nul": "{name} holds a zero byte in a cell at or before line {line}; export it again.",
    "one_column": "{name} has one column only, but its lines would make {columns} columns if cut at the {called}; "
    "{remedy}.",
    "password": "{name} is locked with a password; save a copy without one and choose that copy.",
    "quoting": "{name}: line {line} has a quotation mark that is not closed, or stands alone inside a cell; "
    "mend that line, or export the file again.",
    "rows": "{name} has more than {limit:,} rows; export it in smaller parts.",
    "time": "{name} takes longer to read than one file may; export it as CSV, or in smaller parts.",
    "undecodable": "{name}: line {line} holds bytes that do not belong to the text's encoding; "
    "save the file as 'CSV UTF-8' and choose it again.",
    "unclosed": "{name}: a cell that opens with a quotation mark on line {line} is never closed; "
    "mend that line, or export the file again.",
    "uneven": "{name}: line {line} has {cells} cells where the header has {columns}; "
    "a separator or a line break stands unquoted there, or {lacking}: mend that line, or export it again.",
}


def refusal(code: str, params: Mapping[str, object], *, name: str) -> ReadingError:
    """Error for a code of the child and its numbers; a code that is not ours counts as a failure."""
    known = code if code in SENTENCES else "failed"
    try:
        return ReadingError(SENTENCES[known].format(name=name, **_words(params)))
    except (KeyError, ValueError, TypeError):
        return ReadingError(SENTENCES["failed"].format(name=name))


def _words(params: Mapping[str, object]) -> dict[str, object]:
    words = {key: value for key, value in params.items() if key != "name"}
    if "delimiter" in words:
        words["called"] = CALLED.get(str(words["delimiter"]), "separator")
        words["remedy"] = (
            "each line stands in quotation marks as a whole: export the file again instead of saving it from a "
            "spreadsheet program"
            if words.get("quoted")
            else "export or save it again with commas, semicolons or tabs between the cells"
        )
    words["lacking"] = "cells are missing"
    if words.get("line") == FIRST and words.get("cells") == int(str(words.get("columns"))) + 1:
        words["lacking"] = "the header lacks the name of the first column (R: write without row names)"
    sheets = words.get("sheets")
    if isinstance(sheets, list):
        words["listed"] = ", ".join(repr(sheet) for sheet in sheets) or "no sheet with cells"
    words["where"] = f"sheet {words['sheet']!r}" if words.get("sheet") else "any sheet"
    return words
