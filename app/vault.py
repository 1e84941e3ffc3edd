"""Keys: what is encrypted in the store, signed for the reader or digested, from one secret.

Every use derives a key of its own from the installation's secret (HKDF-SHA256), so that a cursor's
signature can never be taken for a wrapped personal key.
"""

import base64
import binascii
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SEALED = "sealed:1:"
_NONCE = 12


def digest(secret: str) -> str:
    """SHA-256 in hex: how cookies, tokens and one-time codes are kept. They are random, so no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Vault:
    """Derives its keys once; thread-safe, for it never changes afterwards.

    ``event_key`` marks events as written by the product; ``seal_seed`` signs seals where no key is set.
    """

    def __init__(self, secret: str) -> None:
        self._wrapping = AESGCM(self._derive(secret, b"personal-keys"))
        self._signing = self._derive(secret, b"cursors")
        self._locking = AESGCM(self._derive(secret, b"secrets"))
        self._exchange = Ed25519PrivateKey.from_private_bytes(self._derive(secret, b"exchange"))
        self.event_key = self._derive(secret, b"events")
        self.seal_seed = self._derive(secret, b"seals")
        self._backups = Ed25519PrivateKey.from_private_bytes(self._derive(secret, b"backups"))

    @staticmethod
    def _derive(secret: str, purpose: bytes) -> bytes:
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"duikou/" + purpose).derive(secret.encode())

    def new_personal_key(self, user_id: int) -> str:
        """A fresh 256-bit key for one person, wrapped for the store."""
        nonce = os.urandom(_NONCE)
        wrapped = nonce + self._wrapping.encrypt(nonce, AESGCM.generate_key(256), str(user_id).encode())
        return base64.b64encode(wrapped).decode()

    def seal(self, wrapped: str, user_id: int, field: str, text: str) -> str:
        """``text`` encrypted under a person's key, bound to the person and the field."""
        nonce = os.urandom(_NONCE)
        sealed = nonce + self._personal(wrapped, user_id).encrypt(nonce, text.encode(), f"{user_id}:{field}".encode())
        return SEALED + base64.b64encode(sealed).decode()

    def unseal(self, wrapped: str, user_id: int, field: str, sealed: str) -> str | None:
        """The text again, or None where the key does not fit or has been destroyed."""
        try:
            raw = base64.b64decode(sealed.removeprefix(SEALED))
            key = self._personal(wrapped, user_id)
            return key.decrypt(raw[:_NONCE], raw[_NONCE:], f"{user_id}:{field}".encode()).decode()
        except (InvalidTag, ValueError, binascii.Error):
            return None

    def _personal(self, wrapped: str, user_id: int) -> AESGCM:
        raw = base64.b64decode(wrapped)
        return AESGCM(self._wrapping.decrypt(raw[:_NONCE], raw[_NONCE:], str(user_id).encode()))

    def lock(self, text: str, context: str) -> str:
        """A secret of the product's own, encrypted; it opens for the same ``context`` only."""
        nonce = os.urandom(_NONCE)
        locked = nonce + self._locking.encrypt(nonce, text.encode(), context.encode())
        return base64.urlsafe_b64encode(locked).decode()

    def unlock(self, locked: str, context: str) -> str | None:
        """The secret again, or None for another context, another installation or nonsense."""
        try:
            raw = base64.urlsafe_b64decode(locked.encode("ascii"))
            return self._locking.decrypt(raw[:_NONCE], raw[_NONCE:], context.encode()).decode()
        except (InvalidTag, ValueError, binascii.Error):
            return None

    def sign(self, text: str) -> str:
        """``text`` with its signature, safe in a URL."""
        body = base64.urlsafe_b64encode(text.encode()).rstrip(b"=")
        return f"{body.decode()}.{self._mac(body)}"

    def open_signed(self, signed: str) -> str | None:
        """The text of ``sign`` again, or None if anybody changed it."""
        body, _, mac = signed.partition(".")
        raw = body.encode("ascii", "replace")
        if not hmac.compare_digest(self._mac(raw), mac.encode("ascii", "replace").decode()):
            return None
        try:
            return base64.urlsafe_b64decode(raw + b"=" * (-len(raw) % 4)).decode()
        except (ValueError, binascii.Error):
            return None

    def sign_package(self, manifest: bytes) -> bytes:
        """The Ed25519 signature of this installation over the manifest of an exchange package."""
        return self._exchange.sign(manifest)

    @property
    def exchange_key(self) -> str:
        """The public key of ``sign_package``, base64url without padding: what other installations trust."""
        return base64.urlsafe_b64encode(self._exchange.public_key().public_bytes_raw()).rstrip(b"=").decode()

    @property
    def backup_key(self) -> str:
        """The public key in hex with which anybody can tell that a backup is this installation's."""
        return self._backups.public_key().public_bytes_raw().hex()

    def sign_backup(self, content: bytes) -> str:
        """The signature of a backup's manifest (Ed25519), in hex."""
        return self._backups.sign(content).hex()

    def _mac(self, body: bytes) -> str:
        mac = hmac.new(self._signing, body, hashlib.sha256).digest()[:16]
        return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
