import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from surveys import vault
from surveys.errors import StoreError


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    path = tmp_path / "export.csv"
    path.write_bytes(b"phone;q1\n+992900000000;yes\n")
    return path


def test_digest_of_a_file_is_its_sha256(upload: Path) -> None:
    assert vault.digest(upload) == hashlib.sha256(upload.read_bytes()).hexdigest()


def test_a_sealed_file_comes_back_as_it_was(upload: Path) -> None:
    key = vault.new_key()
    sealed = vault.seal(upload, key)
    assert vault.unseal(sealed, key) == upload.read_bytes()
    assert sealed.sha256 == vault.digest(upload)


@given(content=st.binary(max_size=200))
def test_any_bytes_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "file"
    path.write_bytes(content)
    key = vault.new_key()
    assert vault.unseal(vault.seal(path, key), key) == content


def test_a_sealed_file_shows_nothing_of_what_is_in_it(upload: Path) -> None:
    sealed = vault.seal(upload, vault.new_key())
    assert b"+992900000000" not in sealed.payload + sealed.wrapped_key


def test_every_upload_has_a_key_of_its_own(upload: Path) -> None:
    key = vault.new_key()
    first, second = vault.seal(upload, key), vault.seal(upload, key)
    assert Fernet(key).decrypt(first.wrapped_key) != Fernet(key).decrypt(second.wrapped_key)
    assert first.key_id == second.key_id


def test_another_master_key_is_refused_by_its_name(upload: Path) -> None:
    sealed = vault.seal(upload, vault.new_key())
    with pytest.raises(StoreError, match=f"sealed under key {sealed.key_id}"):
        vault.unseal(sealed, vault.new_key())


def test_a_changed_payload_is_refused(upload: Path) -> None:
    key = vault.new_key()
    sealed = vault.seal(upload, key)
    with pytest.raises(StoreError, match="changed after it was sealed"):
        vault.unseal(replace(sealed, payload=sealed.payload[:-8] + b"AAAAAAA="), key)


def test_a_payload_of_another_file_is_refused(upload: Path) -> None:
    key = vault.new_key()
    sealed = vault.seal(upload, key)
    with pytest.raises(StoreError, match="not the file it says"):
        vault.unseal(replace(sealed, sha256="0" * 64), key)


@pytest.mark.parametrize("key", ["", "short", "ключ", "x" * 44])
def test_a_key_that_is_none_is_refused(upload: Path, key: str) -> None:
    with pytest.raises(StoreError, match="vault key is not a key"):
        vault.seal(upload, key)


def test_a_file_past_the_limit_is_refused_by_name(upload: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "LARGEST", 3)
    with pytest.raises(StoreError, match=r"'export\.csv' is larger"):
        vault.seal(upload, vault.new_key())
