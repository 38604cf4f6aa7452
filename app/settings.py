"""Paths, URLs and limits, read from the environment once and passed on."""

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
INSTRUMENTS = ROOT / "data" / "instruments"
FRAMEWORKS = ROOT / "data" / "frameworks"
DEMO = ROOT / "data" / "demo"


class SettingsError(Exception):
    """A variable of the environment cannot be understood."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One configuration table; the README prints the same.

    Attributes
    ----------
    database : str
        SQLAlchemy URL of the store.
    vault_key : str or None
        Key under which raw uploads are kept; without it they are hashed and forgotten.
    salt : str
        Secret that turns shift and interviewer codes into ones that nobody can look up.
    upload_megabytes : int
        Largest file the browser may send.
    file_megabytes : int
        Largest file the command line reads.
    address, port : str, int
        Where the pages are served; anything but loopback is refused until sign-in exists.
    """

    database: str
    vault_key: str | None
    salt: str
    upload_megabytes: int
    file_megabytes: int
    address: str
    port: int


#: name in the environment -> (default, what it is for)
VARIABLES: dict[str, tuple[str, str]] = {
    "SARHAD_DATABASE_URL": (f"sqlite:///{ROOT / 'var' / 'sarhad.db'}", "where answers are stored"),
    "SARHAD_VAULT_KEY": ("", "keeps raw uploads, encrypted under this key; empty: hashed and forgotten"),
    "SARHAD_SALT": ("", "secret for shift and interviewer codes; empty: made once and kept in the database itself"),
    "SARHAD_UPLOAD_MB": ("25", "largest file taken by the browser"),
    "SARHAD_FILE_MB": ("2048", "largest file read by the command line"),
    "SARHAD_ADDRESS": ("127.0.0.1", "address of the pages; only loopback until sign-in is configured"),
    "SARHAD_PORT": ("8501", "port of the pages"),
}


def from_environment() -> Settings:
    """Read the settings; unset variables take the default of `VARIABLES`."""

    def value(name: str) -> str:
        return os.environ.get(name) or VARIABLES[name][0]

    def number(name: str) -> int:
        text = value(name)
        if not text.isdigit():
            raise SettingsError(f"{name} is {text!r}; give a whole number, such as {VARIABLES[name][0]}")
        return int(text)

    return Settings(
        database=value("SARHAD_DATABASE_URL"),
        vault_key=value("SARHAD_VAULT_KEY") or None,
        salt=value("SARHAD_SALT"),
        upload_megabytes=number("SARHAD_UPLOAD_MB"),
        file_megabytes=number("SARHAD_FILE_MB"),
        address=value("SARHAD_ADDRESS"),
        port=number("SARHAD_PORT"),
    )
