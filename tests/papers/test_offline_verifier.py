"""The verifier that stands by itself: its Ed25519 against another's, and against the vectors of RFC 8032."""

import ast
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from app import seal_keys
from app.papers import offline_verifier as verifier
from app.rules import event_lines, seals

# RFC 8032, section 7.1: secret key, public key, message, signature.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("seed", "public", "message", "signature"), VECTORS)
def test_agrees_with_the_vectors_of_the_standard(seed: str, public: str, message: str, signature: str) -> None:
    assert Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed)).public_key().public_bytes_raw().hex() == public
    assert verifier.is_signed(bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature))


@settings(max_examples=30, deadline=None)
@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200), bit=st.integers(0, 511))
def test_agrees_with_another_implementation(seed: bytes, message: bytes, bit: int) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    assert verifier.is_signed(public, message, signature)
    bent = bytearray(signature)
    bent[bit // 8] ^= 1 << bit % 8
    assert not verifier.is_signed(public, message, bytes(bent))
    assert not verifier.is_signed(public, message + b"x", signature)


@settings(max_examples=60, deadline=None)
@given(public=st.binary(max_size=40), message=st.binary(max_size=20), signature=st.binary(max_size=70))
def test_agrees_about_what_is_no_signature(public: bytes, message: bytes, signature: bytes) -> None:
    assert verifier.is_signed(public, message, signature) == seal_keys.is_signed(public, message, signature)


def test_refuses_a_second_form_of_a_signature() -> None:
    """S + L would verify too, if it were not refused: two signatures for one head."""
    _, public, message, signature = (bytes.fromhex(part) for part in VECTORS[2])
    other = signature[:32] + (int.from_bytes(signature[32:], "little") + verifier.L).to_bytes(32, "little")
    assert not verifier.is_signed(public, message, other)


@given(
    numbers=st.lists(st.integers(-(2**63), 2**63 - 1), min_size=6, max_size=6),
    ordinal=st.integers(1, 2**40),
    count=st.integers(0, 2**32 - 1),
    coded=st.booleans(),
    parts=st.tuples(st.binary(max_size=80), st.binary(max_size=64), st.binary(max_size=16)),
)
def test_makes_the_same_digests_as_the_product(
    numbers: list[int], ordinal: int, count: int, coded: bool, parts: tuple[bytes, bytes, bytes]
) -> None:
    events, first, last, transaction, highest, at = numbers
    figures = seals.Figures(ordinal, count, events, first, last, transaction, highest, coded, at, "0123456789abcdef")
    body = seals.body_digest(*parts)
    assert verifier.body_of(*parts) == body
    seal = {
        "ordinal": ordinal,
        "count": count,
        "events": events,
        "first_id": first,
        "last_id": last,
        "last_transaction": transaction,
        "highest_id": highest,
        "coded": coded,
        "sealed_at": at,
        "key_id": "0123456789abcdef",
        "body": body.hex(),
        "previous": bytes(32).hex(),
    }
    chain = seals.chain_hash(figures, body, bytes(32))
    assert verifier.hash_of(seal) == chain
    assert verifier.message_of(ordinal, events, chain) == seals.head_message(ordinal, events, chain)
    assert verifier.fingerprint(chain) == seals.fingerprint(chain)
    assert verifier.leaf_of(parts[0]) == event_lines.leaf(parts[0])
    assert verifier.key_id(bytes(32)) == seal_keys.key_id(bytes(32))


def test_imports_nothing_that_python_does_not_bring() -> None:
    tree = ast.parse(Path(verifier.__file__).read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names
