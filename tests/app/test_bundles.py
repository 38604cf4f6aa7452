"""A bundle is taken as it was signed, or not at all."""

import base64
import errno
import hashlib
import io
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.workflow import bundles
from app.workflow.bundles import BundleError
from surveys.errors import SurveyError

# RFC 8032, section 7.1, test 1
SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
KEY = base64.urlsafe_b64encode(SEED).decode()
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
DOCUMENT = zlib.compress(json.dumps({"tables": {"post": [61, 48, 55]}}).encode())
ABOUT: dict[str, Any] = {
    "survey_id": "traveller",
    "title": "Хизматрасонии сарҳад 2026",
    "synthetic": True,
    "number": 2,
    "revision": 1,
    "state": "published",
    "made_at": "2026-11-01T12:00:00+05:00",
    "engine": "0.1.0",
    "signatures": [{"role": "safety", "who": "nigora", "verified": False, "at": "2026-10-30T09:00:00+00:00"}],
    "comments": [{"agency": "customs", "text": "زمان انتظار کم شده است", "at": "2026-10-31T09:00:00+00:00"}],
}
slow_disk = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "b.sarhad"
    bundles.write(path, document=DOCUMENT, about=ABOUT, key=KEY)
    return path


def members_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(members: Mapping[str, bytes], *, method: int = zipfile.ZIP_STORED) -> bytes:
    """Zip as a bundle is zipped, by the test's own hand."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            entry.compress_type = method
            archive.writestr(entry, content)
    return whole.getvalue()


def resigned(path: Path, changes: Mapping[str, Any], key: Ed25519PrivateKey = STRANGER) -> None:
    """What somebody does who knows the format: change the manifest, and sign it with a key of his own."""
    members = members_of(path)
    manifest = json.loads(members["manifest.json"]) | {"public_key": key.public_key().public_bytes_raw().hex()}
    text = json.dumps(manifest | dict(changes), ensure_ascii=False, indent=1, sort_keys=True)
    members["manifest.json"] = f"{text}\n".encode()
    members["signature"] = key.sign(members["manifest.json"])
    path.write_bytes(zipped(members))


def refused(path: Path, whole: bytes) -> bool:
    path.write_bytes(whole)
    try:
        bundles.read(path)
    except BundleError:
        return True
    return False


def test_what_is_written_is_read_again(bundle: Path) -> None:
    found = bundles.read(bundle)
    assert found.document == DOCUMENT
    assert {name: found.manifest[name] for name in ABOUT} == ABOUT
    assert found.manifest["format"] == 1
    assert found.manifest["public_key"] == PUBLIC.hex()


@given(
    document=st.binary(max_size=300),
    title=st.text(max_size=40),
    number=st.integers(0, 2**31 - 1),
    comments=st.lists(
        st.fixed_dictionaries({"agency": st.text(), "text": st.text(), "at": st.just("2026-10-31T09:00:00Z")}),
        max_size=3,
    ),
)
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_goes_in_comes_out(
    tmp_path: Path, document: bytes, title: str, number: int, comments: list[dict[str, str]]
) -> None:
    path = tmp_path / "any.sarhad"
    path.unlink(missing_ok=True)
    about = ABOUT | {"title": title, "number": number, "comments": comments}
    bundles.write(path, document=document, about=about, key=KEY)
    found = bundles.read(path)
    assert found.document == document
    assert {name: found.manifest[name] for name in ABOUT} == about


def test_any_zip_program_opens_it_and_the_signature_is_ed25519_over_the_manifest(bundle: Path) -> None:
    members = members_of(bundle)
    assert set(members) == {"manifest.json", "signature", "document.json.z", "README.txt"}
    Ed25519PublicKey.from_public_bytes(PUBLIC).verify(members["signature"], members["manifest.json"])
    assert json.loads(members["manifest.json"])["members"] == {
        name: {"sha256": hashlib.sha256(members[name]).hexdigest(), "size": len(members[name])}
        for name in ("document.json.z", "README.txt")
    }


def test_equal_input_gives_equal_bytes_whatever_the_file_is_called(bundle: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.sarhad"
    bundles.write(other, document=DOCUMENT, about=dict(reversed(ABOUT.items())), key=KEY)
    assert other.read_bytes() == bundle.read_bytes()


def test_the_spelling_is_the_one_of_bundles_that_people_hold(tmp_path: Path) -> None:
    path = tmp_path / "pinned.sarhad"
    bundles.write(path, document=b"tables", about=ABOUT | {"title": "Border", "comments": []}, key=KEY)
    assert (
        hashlib.sha256(path.read_bytes()).hexdigest()
        == "afe11da46ebb9d99981143b29982b68e66a66ec37f326e12a7ab9b24d1cd871a"
    )


def test_the_fingerprint_is_of_the_public_key_in_groups_of_four(bundle: Path) -> None:
    digits = hashlib.sha256(PUBLIC).hexdigest()[:32]
    shown = bundles.read(bundle).fingerprint
    assert shown == bundles.fingerprint(PUBLIC)
    assert [len(group) for group in shown.split(" ")] == [4] * 8
    assert shown.replace(" ", "") == digits


def test_the_writer_is_told_the_fingerprint_that_the_reader_sees(tmp_path: Path) -> None:
    path = tmp_path / "b.sarhad"
    told = bundles.write(path, document=DOCUMENT, about=ABOUT, key=bundles.new_signing_key())
    assert told == bundles.read(path).fingerprint


def test_new_keys_differ_and_hold_32_bytes() -> None:
    first, second = bundles.new_signing_key(), bundles.new_signing_key()
    assert first != second
    assert len(base64.urlsafe_b64decode(first)) == 32


def test_the_readme_says_what_it_is_how_to_open_it_and_the_fingerprint(bundle: Path) -> None:
    text = members_of(bundle)["README.txt"].decode()
    assert text.startswith("SYNTHETIC")
    assert "Release 2, revision 1 of the survey: Хизматрасонии сарҳад 2026" in text
    assert "sarhad serve --bundle" in text
    assert f"Fingerprint: {bundles.fingerprint(PUBLIC)}" in text


def test_the_readme_of_a_real_survey_does_not_call_it_synthetic(tmp_path: Path) -> None:
    path = tmp_path / "b.sarhad"
    bundles.write(path, document=DOCUMENT, about=ABOUT | {"synthetic": False, "revision": 0}, key=KEY)
    text = members_of(path)["README.txt"].decode()
    assert "SYNTHETIC" not in text
    assert "Release 2 of the survey" in text


# -- altered on its way


def test_every_byte_with_one_bit_flipped_is_refused(bundle: Path, tmp_path: Path) -> None:
    whole = bundle.read_bytes()
    taken = []
    for place in range(len(whole)):
        altered = bytearray(whole)
        altered[place] ^= 1 << place % 8
        if not refused(tmp_path / "altered.sarhad", bytes(altered)):
            taken.append(place)
    assert taken == []


@given(data=st.data())
@slow_disk
def test_any_piece_replaced_added_or_cut_out_is_refused(bundle: Path, data: st.DataObject) -> None:
    whole = bundle.read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 40)))
    altered = whole[:start] + data.draw(st.binary(max_size=40)) + whole[end:]
    assert refused(bundle.with_name("altered.sarhad"), altered) == (altered != whole)


@given(noise=st.binary(max_size=200), header=st.sampled_from([b"", b"PK\3\4", b"PK\3\4" + bytes(22)]))
@slow_disk
def test_noise_is_refused_in_words(tmp_path: Path, noise: bytes, header: bytes) -> None:
    assert refused(tmp_path / "noise.sarhad", header + noise)


def prepended(whole: bytes) -> bytes:
    return b"#!/bin/sh\n" + whole


def trailed(whole: bytes) -> bytes:
    return whole + b"\0"


def twice_over(whole: bytes) -> bytes:
    return whole + whole


def commented(whole: bytes) -> bytes:
    return whole[:-2] + struct.pack("<H", 5) + b"hello"


def halved(whole: bytes) -> bytes:
    return whole[: len(whole) // 2]


def emptied(_: bytes) -> bytes:
    return b""


def dated(whole: bytes) -> bytes:
    return whole.replace(struct.pack("<H", 33), struct.pack("<H", 34))  # 1 January 1980, and the day after


@pytest.mark.parametrize("alter", [prepended, trailed, twice_over, commented, halved, emptied, dated])
def test_nothing_may_stand_around_the_members(bundle: Path, alter: Callable[[bytes], bytes]) -> None:
    whole = bundle.read_bytes()
    assert alter(whole) != whole
    assert refused(bundle, alter(whole))


def test_the_test_zips_as_the_product_does(bundle: Path) -> None:
    """Otherwise the tests below would be refused for another reason than the one that they name."""
    assert zipped(members_of(bundle)) == bundle.read_bytes()


def test_a_bundle_that_was_packed_anew_is_refused(bundle: Path) -> None:
    bundle.write_bytes(zipped(members_of(bundle), method=zipfile.ZIP_DEFLATED))
    with pytest.raises(BundleError, match="packed anew"):
        bundles.read(bundle)


@pytest.mark.parametrize("name", ["notes.txt", "../../etc/cron.d/job", "/README.txt", "pages\\x.py", "README.TXT"])
def test_a_further_member_is_refused_wherever_its_name_points(bundle: Path, name: str) -> None:
    bundle.write_bytes(zipped(members_of(bundle) | {name: b"x"}))
    with pytest.raises(BundleError, match="holds more than a bundle does"):
        bundles.read(bundle)


@pytest.mark.parametrize("name", ["signature", "document.json.z", "README.txt"])
def test_a_missing_member_is_named(bundle: Path, name: str) -> None:
    bundle.write_bytes(zipped({key: value for key, value in members_of(bundle).items() if key != name}))
    with pytest.raises(BundleError, match=f"lacks {name}"):
        bundles.read(bundle)


def test_a_second_member_of_a_name_is_refused(bundle: Path) -> None:
    whole = io.BytesIO(bundle.read_bytes())
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(whole, "a") as archive:
        archive.writestr("document.json.z", b"other tables")
    bundle.write_bytes(whole.getvalue())
    with pytest.raises(BundleError, match="holds more than a bundle does"):
        bundles.read(bundle)


def test_members_are_not_counted_to_their_end(bundle: Path) -> None:
    """Millions of empty members would fill the memory; whatever stands after the fifth is not looked at."""
    many = zipped(members_of(bundle) | {"fifth": b""})
    bundle.write_bytes(many.replace(b"PK\1\2", b"PK\3\4" + b"\xff" * 26, 1))
    with pytest.raises(BundleError, match="holds more than a bundle does"):
        bundles.read(bundle)


def test_members_in_another_order_are_refused(bundle: Path) -> None:
    members = members_of(bundle)
    bundle.write_bytes(zipped({name: members[name] for name in ("manifest.json", *reversed(list(members)[1:]))}))
    with pytest.raises(BundleError, match="in another order"):
        bundles.read(bundle)


@pytest.mark.parametrize("name", ["document.json.z", "README.txt", "manifest.json", "signature"])
def test_a_member_exchanged_in_a_sound_zip_is_refused(bundle: Path, name: str) -> None:
    members = members_of(bundle)
    bundle.write_bytes(zipped(members | {name: members[name].replace(b"i", b"j") + b"\n"}))
    with pytest.raises(BundleError, match="altered or damaged"):
        bundles.read(bundle)


def test_the_document_of_another_bundle_of_the_same_key_is_refused(bundle: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.sarhad"
    bundles.write(other, document=DOCUMENT[::-1], about=ABOUT, key=KEY)
    bundle.write_bytes(zipped(members_of(bundle) | {"document.json.z": members_of(other)["document.json.z"]}))
    with pytest.raises(BundleError, match="altered or damaged"):
        bundles.read(bundle)


# -- signed by somebody else


def test_a_stranger_can_sign_an_altered_bundle_but_only_with_another_fingerprint(bundle: Path) -> None:
    resigned(bundle, {"state": "withdrawn"})
    found = bundles.read(bundle)
    assert found.manifest["state"] == "withdrawn"
    assert found.fingerprint != bundles.fingerprint(PUBLIC)


def test_a_bundle_signed_by_another_key_than_the_trusted_one_is_refused(bundle: Path) -> None:
    resigned(bundle, {"state": "withdrawn"})
    with pytest.raises(BundleError, match="another key than the trusted one"):
        bundles.read(bundle, trusted=bundles.fingerprint(PUBLIC))


def test_the_name_of_the_trusted_key_does_not_help_a_stranger(bundle: Path) -> None:
    resigned(bundle, {"public_key": PUBLIC.hex()})
    with pytest.raises(BundleError, match="altered or damaged"):
        bundles.read(bundle)


@pytest.mark.parametrize(
    "public",
    [None, 7, "", "zz" * 32, STRANGER.public_key().public_bytes_raw().hex().upper(), PUBLIC.hex()[:62], "00" * 32],
)
def test_a_manifest_without_a_sound_public_key_is_refused(bundle: Path, public: object) -> None:
    resigned(bundle, {"public_key": public})
    with pytest.raises(BundleError, match="altered or damaged"):
        bundles.read(bundle)


def as_shown(text: str) -> str:
    return text


def run_together(text: str) -> str:
    return text.replace(" ", "")


def as_typed(text: str) -> str:
    return f"  {text.upper()}\n"


@pytest.mark.parametrize("spell", [as_shown, run_together, as_typed])
def test_the_trusted_fingerprint_is_taken_as_people_type_it(bundle: Path, spell: Callable[[str], str]) -> None:
    assert bundles.read(bundle, trusted=spell(bundles.fingerprint(PUBLIC))).document == DOCUMENT


@pytest.mark.parametrize("text", ["", " ", "1234", "g" * 32, PUBLIC.hex()])
def test_what_is_no_fingerprint_is_never_taken_for_trust(bundle: Path, text: str) -> None:
    with pytest.raises(BundleError, match="32 digits"):
        bundles.read(bundle, trusted=text)


# -- signed, and still not a bundle


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 2, "tables": "elsewhere"}, "has format 2, and this program knows 1; update"),
        ({"format": 0}, "altered"),
        ({"format": True}, "altered"),
        ({"format": "1"}, "altered"),
        ({"members": {}}, "altered"),
        ({"respondents": []}, "has 'respondents', which no bundle holds"),
        ({"synthetic": "no"}, "synthetic of the release must be true or false"),
        ({"signatures": [["nigora"]]}, "signatures 1 has no named fields"),
        ({"comments": [{"agency": "customs", "text": 7, "at": "yesterday"}]}, "text of comments 1 must be text"),
    ],
)
def test_a_signed_manifest_that_says_something_else_is_refused(
    bundle: Path, changes: Mapping[str, Any], said: str
) -> None:
    resigned(bundle, changes)
    with pytest.raises(BundleError, match=said):
        bundles.read(bundle)


def test_a_stranger_cannot_fill_the_screen(bundle: Path) -> None:
    resigned(bundle, {f"field {number}": "" for number in range(1000)})
    with pytest.raises(BundleError, match="which no bundle holds") as caught:
        bundles.read(bundle)
    assert len(str(caught.value)) < 300


def test_a_signed_manifest_in_another_spelling_is_refused(bundle: Path) -> None:
    """Two spellings would be two files that say the same and do not look so."""
    own = Ed25519PrivateKey.from_private_bytes(SEED)
    members = members_of(bundle)
    manifest = json.dumps(json.loads(members["manifest.json"])).encode()
    bundle.write_bytes(zipped(members | {"manifest.json": manifest, "signature": own.sign(manifest)}))
    with pytest.raises(BundleError, match="altered or damaged"):
        bundles.read(bundle)


@pytest.mark.parametrize(
    "manifest",
    [b"", b"{", b"\xff", b"[]\n", b"[" * 100_000, b'{"format":1}', b"9" * 5000, b'"\\ud800"', b"NaN\n"],
    ids=["empty", "cut", "not text", "list", "deep", "respelled", "long number", "half a letter", "not a number"],
)
def test_a_manifest_that_is_not_our_json_is_refused(bundle: Path, manifest: bytes) -> None:
    members = members_of(bundle) | {"manifest.json": manifest, "signature": STRANGER.sign(manifest)}
    bundle.write_bytes(zipped(members))
    with pytest.raises(BundleError, match="altered or damaged"):
        bundles.read(bundle)


# -- too large


def test_a_member_that_declares_more_than_200_megabytes_is_refused(bundle: Path) -> None:
    whole = bytearray(bundle.read_bytes())
    struct.pack_into("<2I", whole, 18, 200 * 1024**2 + 1, 200 * 1024**2 + 1)  # both sizes of the first member
    bundle.write_bytes(whole)
    with pytest.raises(BundleError, match=r"a member of b\.sarhad is larger than 200 MB"):
        bundles.read(bundle)


def test_a_file_of_more_than_200_megabytes_is_refused(bundle: Path) -> None:
    os.truncate(bundle, 200 * 1024**2 + 1)
    with pytest.raises(BundleError, match=r"b\.sarhad is larger than 200 MB"):
        bundles.read(bundle)


def test_a_manifest_of_more_than_4_megabytes_is_refused_before_it_is_understood(bundle: Path) -> None:
    resigned(bundle, {"title": "x" * 4_300_000})
    with pytest.raises(BundleError, match="altered or damaged"):
        bundles.read(bundle)


def test_too_large_a_document_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="the document is larger than 200 MB"):
        bundles.write(tmp_path / "b.sarhad", document=bytes(200 * 1024**2 + 1), about=ABOUT, key=KEY)
    assert list(tmp_path.iterdir()) == []


def test_too_large_a_manifest_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="larger than 4 MB"):
        bundles.write(tmp_path / "b.sarhad", document=b"", about=ABOUT | {"title": "x" * 4_300_000}, key=KEY)
    assert list(tmp_path.iterdir()) == []


def test_what_could_not_be_read_again_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "LARGEST", len(DOCUMENT))
    with pytest.raises(BundleError, match="the bundle is larger than"):
        bundles.write(tmp_path / "b.sarhad", document=DOCUMENT, about=ABOUT, key=KEY)
    assert list(tmp_path.iterdir()) == []


# -- on the disk


def test_a_file_of_that_name_is_left_alone(bundle: Path) -> None:
    before = bundle.read_bytes()
    with pytest.raises(BundleError, match=r"there is a file b\.sarhad already"):
        bundles.write(bundle, document=b"other", about=ABOUT, key=KEY)
    assert bundle.read_bytes() == before
    assert list(bundle.parent.iterdir()) == [bundle]


def test_a_link_to_nowhere_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "b.sarhad"
    target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(BundleError, match="already"):
        bundles.write(target, document=DOCUMENT, about=ABOUT, key=KEY)
    assert list(tmp_path.iterdir()) == [target]


def no_links(_: Path, __: Path) -> None:
    raise OSError(errno.EPERM, "no hard links here")


@pytest.mark.parametrize("links", [True, False], ids=["disk", "memory stick"])
def test_a_file_that_comes_in_between_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, links: bool
) -> None:
    target = tmp_path / "b.sarhad"
    sync = os.fsync

    def meanwhile(descriptor: int) -> None:
        sync(descriptor)
        target.write_bytes(b"of somebody else")

    monkeypatch.setattr(os, "fsync", meanwhile)
    monkeypatch.setattr(os, "link", os.link if links else no_links)
    with pytest.raises(BundleError, match="already"):
        bundles.write(target, document=DOCUMENT, about=ABOUT, key=KEY)
    assert target.read_bytes() == b"of somebody else"
    assert list(tmp_path.iterdir()) == [target]


def test_it_is_written_where_there_are_no_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", no_links)
    target = tmp_path / "b.sarhad"
    bundles.write(target, document=DOCUMENT, about=ABOUT, key=KEY)
    assert bundles.read(target).document == DOCUMENT
    assert list(tmp_path.iterdir()) == [target]


def test_it_has_its_name_only_when_it_is_whole_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "b.sarhad"
    seen: list[tuple[bool, int]] = []
    sync = os.fsync

    def watched(descriptor: int) -> None:
        sync(descriptor)
        seen.append((target.exists(), os.fstat(descriptor).st_size))

    monkeypatch.setattr(os, "fsync", watched)
    bundles.write(target, document=DOCUMENT, about=ABOUT, key=KEY)
    assert seen[0] == (False, target.stat().st_size)


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BundleError, match="No space left on device"):
        bundles.write(tmp_path / "b.sarhad", document=DOCUMENT, about=ABOUT, key=KEY)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", ["absent", "a file"])
def test_what_is_no_folder_is_said(tmp_path: Path, folder: str) -> None:
    (tmp_path / "a file").write_bytes(b"")
    with pytest.raises(BundleError, match="name another folder"):
        bundles.write(tmp_path / folder / "b.sarhad", document=DOCUMENT, about=ABOUT, key=KEY)


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"named NAME\.sarhad"):
        bundles.write(tmp_path / "b.zip", document=DOCUMENT, about=ABOUT, key=KEY)


@pytest.mark.parametrize("name", ["absent.sarhad", "."], ids=["absent", "a folder"])
def test_no_file_is_no_bundle(tmp_path: Path, name: str) -> None:
    with pytest.raises(BundleError, match="there is no bundle"):
        bundles.read(tmp_path / name)


def test_a_name_that_no_disk_takes_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot be read"):
        bundles.read(tmp_path / ("n" * 300 + ".sarhad"))
    with pytest.raises(BundleError, match="cannot be written"):
        bundles.write(tmp_path / ("n" * 300 + ".sarhad"), document=DOCUMENT, about=ABOUT, key=KEY)
    assert list(tmp_path.iterdir()) == []


# -- what the writer is given


@pytest.mark.parametrize("key", ["", "secret", KEY[:-2], KEY + "AAAA", KEY.replace("=", "!"), "ключ"])
def test_a_key_that_is_none_is_refused_and_not_repeated(tmp_path: Path, key: str) -> None:
    with pytest.raises(BundleError, match="the signing key is not one") as caught:
        bundles.write(tmp_path / "b.sarhad", document=DOCUMENT, about=ABOUT, key=key)
    assert not key or key not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"number": "2"}, "number of the release must be a whole number"),
        ({"number": True}, "number of the release must be a whole number"),
        ({"revision": -1}, "revision of the release must be a whole number"),
        ({"number": 2**31}, "number of the release must be a whole number"),
        ({"title": None}, "title of the release must be text"),
        ({"title": "\ud800"}, "title of the release must be text"),
        ({"made_at": "2026-11-01T12:00:00"}, "made_at of the release must be a moment with its time zone"),
        ({"made_at": "noon"}, "made_at of the release must be a moment with its time zone"),
        ({"comments": ()}, "comments of the release must be a list"),
        ({"signatures": [{"role": "safety"}]}, "signatures 1 lacks who"),
        ({"comments": [ABOUT["comments"][0] | {"phone": ""}]}, "comments 1 has 'phone', which no bundle holds"),
        ({"format": 1}, "has 'format', which no bundle holds"),
        ({"answers": []}, "has 'answers', which no bundle holds"),
    ],
)
def test_a_field_of_another_kind_is_named_and_nothing_is_written(
    tmp_path: Path, changes: Mapping[str, Any], said: str
) -> None:
    with pytest.raises(BundleError, match=said):
        bundles.write(tmp_path / "b.sarhad", document=DOCUMENT, about=ABOUT | dict(changes), key=KEY)
    assert list(tmp_path.iterdir()) == []


def test_every_missing_field_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(BundleError) as caught:
        bundles.write(tmp_path / "b.sarhad", document=DOCUMENT, about={}, key=KEY)
    assert [name for name in ABOUT if f"lacks {name}" not in str(caught.value)] == []


def test_whoever_catches_errors_of_surveys_catches_those_of_bundles(tmp_path: Path) -> None:
    with pytest.raises(SurveyError):
        bundles.read(tmp_path / "absent.sarhad")
