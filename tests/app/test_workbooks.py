import io

import python_calamine

from app.workflow.workbooks import workbook


def rows(data: bytes) -> tuple[str, list[list[object]]]:
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    return book.sheet_names[0], book.get_sheet_by_index(0).to_python()


def test_a_workbook_holds_the_texts_as_they_were_given() -> None:
    lines = [["q1", "_problems"], ["1.50", ' <&> "x" '], ["", "номи бозор\nنام"], ["007", ""]]
    name, found = rows(workbook(lines, sheet="маълумот"))
    assert (name, found) == ("маълумот", lines)


def test_signs_that_a_workbook_cannot_hold_are_left_out() -> None:
    name, found = rows(workbook([["a\x00b\x1fc\ud800d\uffff"], ["x" * 40_000]], sheet="[a]/b:*?" + "c" * 40))
    assert found[0] == ["abcd"]
    assert found[1] == ["x" * 32_767]
    assert name == "_a__b___" + "c" * 23


def test_a_sheet_without_a_name_gets_one() -> None:
    assert rows(workbook([["a"]], sheet=""))[0] == "data"
