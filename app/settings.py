"""Paths, URLs and limits, read from the environment once and passed on."""

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
INSTRUMENTS = ROOT / "data" / "instruments"
FRAMEWORKS = ROOT / "data" / "frameworks"
LATTICES = ROOT / "data" / "lattices"
DEMO = ROOT / "data" / "demo"


class SettingsError(Exception):
    """A variable of the environment cannot be understood."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One configuration table; the README prints the same.

    Attributes
    ----------
    database : str
        SQLAlchemy URL of the store: an SQLite file, or a PostgreSQL database.
    vault_key : str or None
        Key under which raw uploads are kept; without it they are hashed and forgotten.
    salt : str
        Secret that turns shift and interviewer codes into ones that nobody can look up.
    audit_key : str
        Secret that binds the log and seals the answers.
    upload_megabytes : int
        Largest file the browser may send.
    file_megabytes : int
        Largest file the command line reads.
    signing_key : str
        Key under which bundles are signed; empty: none can be written.
    bundle, trusted : str
        A bundle that the pages show instead of the store, and the fingerprint it must have.
    address, port : str, int
        Where the pages are served; anything but loopback is refused until sign-in exists.
    """

    database: str
    vault_key: str | None
    salt: str
    audit_key: str
    upload_megabytes: int
    file_megabytes: int
    signing_key: str
    bundle: str
    trusted: str
    address: str
    port: int


#: name in the environment -> (default, what it is for)
VARIABLES: dict[str, tuple[str, str]] = {
    "SARHAD_DATABASE_URL": (
        f"sqlite:///{ROOT / 'var' / 'sarhad.db'}",
        "where answers are stored: SQLite, or postgresql+psycopg://user@host/name",
    ),
    "SARHAD_VAULT_KEY": ("", "keeps raw uploads, encrypted under this key; empty: hashed and forgotten"),
    "SARHAD_SALT": ("", "secret for shift and interviewer codes; empty: made once and kept in the database itself"),
    "SARHAD_AUDIT_KEY": (
        "",
        "binds the log and seals answers; empty: made once and kept in the database itself",
    ),
    "SARHAD_UPLOAD_MB": ("25", "largest file taken by the browser"),
    "SARHAD_FILE_MB": ("2048", "largest file read by the command line"),
    "SARHAD_SIGNING_KEY": ("", "signs bundles of releases (`sarhad release key` makes one); empty: none are written"),
    "SARHAD_BUNDLE": ("", "bundle of a release that the pages show in place of the store"),
    "SARHAD_TRUSTED": ("", "fingerprint that the bundle must have; empty: it is shown, to be compared"),
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
        audit_key=value("SARHAD_AUDIT_KEY"),
        upload_megabytes=number("SARHAD_UPLOAD_MB"),
        file_megabytes=number("SARHAD_FILE_MB"),
        signing_key=value("SARHAD_SIGNING_KEY"),
        bundle=value("SARHAD_BUNDLE"),
        trusted=value("SARHAD_TRUSTED"),
        address=value("SARHAD_ADDRESS"),
        port=number("SARHAD_PORT"),
    )
