"""Numbers of people, companies, licences and cases: what is accepted, what is mended, what is refused."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Refusal
from domain.identifiers import (
    BASE36,
    CHANNELS,
    USCC_ALPHABET,
    case_number,
    check_resident_id,
    check_uscc,
    is_case_number,
    parse_licence_id,
)

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "identifiers.json").read_text(encoding="utf-8"))
RESIDENT, USCC, LICENCES = GOLDEN["resident_id"], GOLDEN["uscc"], GOLDEN["e_licence"]["valid"]
PUBLISHED = [
    "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U",
    "1.2.156.3005.2.11100000000013338W009.11330105002500287C.2025052201.002.0",
]
DAYS = [date(2026, 1, 1) + timedelta(days=i) for i in range(365)]
MISSED = 0.001
NUMBER = case_number("320500", date(2026, 11, 23), "pc", "ENTMOV", 36**3 + 7)
numbers = st.builds(
    case_number,
    st.sampled_from(["310000", "320500", "330100", "340123"]),
    st.dates(date(2020, 1, 1), date(2099, 12, 31)),
    st.sampled_from(sorted(CHANNELS)),
    st.text(BASE36, min_size=6, max_size=6),
    st.integers(0, 36**6 - 1),
)


def refused(check: object, value: str) -> str:
    with pytest.raises(Refusal) as raised:
        check(value)  # type: ignore[operator]
    return raised.value.code


def wide(text: str) -> str:
    """As a Chinese input method writes it."""
    return "".join(chr(ord(c) + 0xFEE0) for c in text)


@pytest.mark.parametrize("value", RESIDENT["valid"])
def test_a_right_identity_number_is_taken_however_it_was_typed(value: str) -> None:
    for typed in (value, value.lower(), wide(value), wide(value.lower()), f"  {value}\n"):
        assert check_resident_id(typed) == value


@pytest.mark.parametrize("value", RESIDENT["invalid"])
def test_a_wrong_identity_number_is_refused(value: str) -> None:
    assert refused(check_resident_id, value) == "resident_id_invalid"


@pytest.mark.parametrize("value", RESIDENT["valid"])
def test_every_single_slip_in_an_identity_number_is_caught(value: str) -> None:
    for at in range(18):
        for other in "0123456789X":
            if other != value[at]:
                assert refused(check_resident_id, value[:at] + other + value[at + 1 :])


@pytest.mark.parametrize(
    "value",
    [
        "",
        "310199900101001",  # fifteen digits ended in 2013
        "3101991990010\u200b10018",  # zero-width space
        "310199199001010018\u200b",
        "\u202e310199199001010018",
        "٣١٠١٩٩١٩٩٠٠١٠١٠٠١٨",  # Arabic digits
        "३१०१९९१९९००१०१००१८",
        "①②③④⑤⑥⑦⑧⑨①②③④⑤⑥⑦⑧⑨",
        "310199199O01010018",  # the letter O
        "3I0199199001010018",
        "X10199199001010018",
        "310199000001010018",  # the year 0000
        "310199199013010018",
        "310199199001010018" * 2,
        "310199 199001010018",
        "-10199199001010018",
        "3101991990010100'8",
        "\x00" * 18,
    ],
)
def test_what_only_looks_like_an_identity_number_is_refused(value: str) -> None:
    assert refused(check_resident_id, value) == "resident_id_invalid"


@given(st.text(BASE36 + BASE36.lower() + "０１Ｘ٣.\u200b ", max_size=40))
def test_any_text_is_a_number_or_a_refusal(value: str) -> None:
    for check in (check_resident_id, check_uscc):
        try:
            number = check(value)
        except Refusal:
            continue
        assert number.isascii()
        assert len(number) == 18
    assert parse_licence_id(value) is None
    assert not is_case_number(value)


@pytest.mark.parametrize("value", USCC["valid"])
def test_a_right_credit_code_is_taken_however_it_was_typed(value: str) -> None:
    for typed in (value, value.lower(), wide(value), f" {value} "):
        assert check_uscc(typed) == value


@pytest.mark.parametrize("value", USCC["invalid"])
def test_a_wrong_credit_code_is_refused(value: str) -> None:
    assert refused(check_uscc, value) == "uscc_invalid"


@pytest.mark.parametrize("value", USCC["valid"])
def test_every_single_slip_in_a_credit_code_is_caught(value: str) -> None:
    for at in range(18):
        for other in BASE36:
            if other != value[at]:
                assert refused(check_uscc, value[:at] + other + value[at + 1 :])


@pytest.mark.parametrize("letter", "IOSVZ")
def test_letters_that_look_like_digits_are_in_no_credit_code(letter: str) -> None:
    assert letter not in USCC_ALPHABET
    assert refused(check_uscc, "9132050" + letter + "XXXX000275")


@pytest.mark.parametrize("value", [*LICENCES, *PUBLISHED])
def test_a_published_licence_number_is_taken_apart(value: str) -> None:
    licence = parse_licence_id(value)
    assert licence is not None
    assert value.endswith(f".{licence.type}.{licence.issuer}.{licence.serial}.{licence.version}.{licence.check}")


@pytest.mark.parametrize("value", LICENCES)
def test_every_single_slip_in_a_licence_number_is_caught(value: str) -> None:
    for at in range(len("1.2.156.3005.2."), len(value)):
        for other in BASE36 + ".*":
            if other != value[at]:
                assert parse_licence_id(value[:at] + other + value[at + 1 :]) is None


@pytest.mark.parametrize(
    "value",
    [
        "",
        LICENCES[0].lower(),
        wide(LICENCES[0]),
        LICENCES[0] + "\n",
        " " + LICENCES[0],
        LICENCES[0].replace("3005", "3006"),
        LICENCES[0].replace(".", ""),
        LICENCES[0] + ".0",
        LICENCES[0].replace("2026000000000001", ""),
        LICENCES[0].replace("2026000000000001", "1" * 65),
    ],
)
def test_what_only_looks_like_a_licence_number_is_none(value: str) -> None:
    assert parse_licence_id(value) is None


def test_a_case_number_says_where_when_how_and_what() -> None:
    assert NUMBER[:21] == "32050020261123PENTMOV"
    assert len(NUMBER) == 28
    assert is_case_number(NUMBER)


@given(numbers)
def test_every_case_number_is_one(number: str) -> None:
    assert is_case_number(number)


@given(numbers, st.integers(0, 27), st.sampled_from(BASE36))
def test_a_change_of_one_character_is_caught(number: str, at: int, other: str) -> None:
    assert is_case_number(number[:at] + other + number[at + 1 :]) == (other == number[at])


def test_two_neighbours_exchanged_are_caught_but_for_the_pairs_that_the_standard_itself_lets_pass() -> None:
    """ISO 7064 MOD 37,36 finds every single slip, but of exchanges only those that change its running remainder."""
    tried = missed = 0
    for sequence in range(0, 36**6, 36**6 // 2000):
        number = case_number("320500", DAYS[sequence % 365], "pc", "ENTMOV", sequence)
        for at in range(27):
            if number[at] != number[at + 1]:
                tried += 1
                missed += is_case_number(number[:at] + number[at + 1] + number[at] + number[at + 2 :])
    assert tried > 40_000
    assert missed / tried < MISSED


def test_a_slip_anywhere_in_one_number_is_caught() -> None:
    for at in range(28):
        for other in BASE36:
            assert is_case_number(NUMBER[:at] + other + NUMBER[at + 1 :]) == (other == NUMBER[at])


@pytest.mark.parametrize("value", [NUMBER.lower(), wide(NUMBER), NUMBER + " ", NUMBER[:-1], NUMBER + "0", "%" * 28])
def test_what_only_looks_like_a_case_number_is_none(value: str) -> None:
    assert not is_case_number(value)


def test_numbers_run_out_with_an_error_and_never_start_again() -> None:
    last = case_number("320500", date(2026, 1, 1), "app", "ENTMOV", 36**6 - 1)
    assert last[21:27] == "ZZZZZZ"
    with pytest.raises(ValueError, match="exhausted"):
        case_number("320500", date(2026, 1, 1), "app", "ENTMOV", 36**6)
