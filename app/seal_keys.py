"""Keys of the seals: Ed25519 (RFC 8032), of which a verifier needs only the public half."""

import base64
import binascii
import hashlib
import os

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SEED_BYTES = 32
SIGNATURE_BYTES = 64
_ID_LETTERS = 16


class SealKey:
    """A private key: signs heads. Made from a seed of 32 bytes."""

    def __init__(self, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public: bytes = self._private.public_key().public_bytes_raw()
        self.id = key_id(self.public)

    @property
    def public_text(self) -> str:
        """The public half as people copy it."""
        return written(self.public)

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the signature."""
        return self._private.sign(message)


def key_id(public: bytes) -> str:
    """What a key is called in seals: the beginning of its digest, in hex."""
    return hashlib.sha256(b"duikou:key:1\x00" + public).hexdigest()[:_ID_LETTERS]


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the holder of the private half signed ``message``."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def read_key(text: str) -> bytes:
    """32 bytes from 64 hexadecimal figures or from base64, a seed or a public key. Raises ValueError."""
    text = text.strip()
    try:
        raw = bytes.fromhex(text) if len(text) == SEED_BYTES * 2 else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise ValueError("not a key") from None
    if len(raw) != SEED_BYTES:
        raise ValueError("not 32 bytes")
    return raw


def new_seed() -> bytes:
    """A fresh random seed."""
    return os.urandom(SEED_BYTES)


def written(key: bytes) -> str:
    """A key as ``read_key`` reads it: base64."""
    return base64.b64encode(key).decode()
