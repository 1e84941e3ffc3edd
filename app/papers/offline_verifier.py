#!/usr/bin/env python3
"""核验封存导出 / Verifies a sealed export. Needs Python 3.9 or newer and nothing else.

    python3 verify.py EXPORT.zip [--key PUBLIC_KEY ...] [--heads FILE] [--all]

退出码：0 一致，1 不一致，2 用法有误。Exit code: 0 all holds, 1 something does not, 2 wrong usage.

This file stands by itself on purpose: an auditor can read all of it, and it shares no code with the
product that made the export. Ed25519 follows RFC 8032, section 5.1.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import struct
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

Point = tuple[int, int, int, int]
Line = tuple[int, Any, bytes]

# --- Ed25519, RFC 8032 section 5.1 -------------------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def _x_of(y: int, sign: int) -> int | None:
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if square == 0:
        return None if sign else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P:
        return None
    return P - x if x & 1 != sign else x


def _add(one: Point, two: Point) -> Point:
    a = (one[1] - one[0]) * (two[1] - two[0]) % P
    b = (one[1] + one[0]) * (two[1] + two[0]) % P
    c = 2 * one[3] * two[3] * D % P
    d = 2 * one[2] * two[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def _times(number: int, point: Point) -> Point:
    found: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            found = _add(found, point)
        point = _add(point, point)
        number >>= 1
    return found


def _point(raw: bytes) -> Point | None:
    number = int.from_bytes(raw, "little")
    y = number & (2**255 - 1)
    x = _x_of(y, number >> 255)
    return None if x is None else (x, y, 1, x * y % P)


def _packed(point: Point) -> bytes:
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = _x_of(BASE_Y, 0) or 0
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the 64 bytes of an Ed25519 signature are those of a key over a message."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key = _point(public)
    s = int.from_bytes(signature[32:], "little")
    if key is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    minus = (P - key[0], key[1], 1, P - key[3])
    return _packed(_add(_times(s, BASE), _times(h, minus))) == signature[:32]


# --- What a seal is made of ----------------------------------------------------------------------------------


def leaf_of(line: bytes) -> bytes:
    """The digest of an event: of its line in events.jsonl, byte for byte, without the line's end."""
    return hashlib.sha256(b"duikou:event:1\x00" + line).digest()


def body_of(ids: bytes, leaves: bytes, foreign: bytes) -> bytes:
    """The digest that binds the ids and leaves of one seal."""
    lengths = struct.pack(">III", len(ids), len(leaves), len(foreign))
    return hashlib.sha256(b"duikou:batch:1\x00" + lengths + ids + leaves + foreign).digest()


def hash_of(seal: dict[str, Any]) -> bytes:
    """The digest that binds a seal to the one before it."""
    names = ("ordinal", "count", "events", "first_id", "last_id", "last_transaction", "highest_id", "coded")
    numbers = struct.pack(">qIqqqqq?q", *(seal[name] for name in names), seal["sealed_at"])
    parts = (seal["key_id"].encode() + b"\x00", bytes.fromhex(seal["body"]), bytes.fromhex(seal["previous"]))
    return hashlib.sha256(b"duikou:seal:1\x00" + numbers + b"".join(parts)).digest()


def message_of(ordinal: int, events: int, chain: bytes) -> bytes:
    """What a head's signature is made over."""
    return b"duikou:head:1\x00" + struct.pack(">qq", ordinal, events) + chain


def key_id(public: bytes) -> str:
    """What a public key is called in seals."""
    return hashlib.sha256(b"duikou:key:1\x00" + public).hexdigest()[:16]


def fingerprint(chain: bytes) -> str:
    """The letters that people compare."""
    text = base64.b32encode(chain[:20]).decode()
    return "-".join(text[start : start + 4] for start in range(0, 32, 4))


def read_key(text: str) -> bytes:
    """A public key from 64 hexadecimal figures or base64."""
    text = text.strip()
    raw = bytes.fromhex(text) if len(text) == 64 else base64.b64decode(text)
    if len(raw) != 32:
        raise ValueError("32 bytes are wanted")
    return raw


# --- The walk ------------------------------------------------------------------------------------------------


class Check:
    """Reads an export once from its beginning to its end, in little memory, and counts what is wrong."""

    def __init__(
        self,
        archive: zipfile.ZipFile,
        keys: dict[str, bytes],
        every_signature: bool = False,
        say: Callable[[str], None] = print,
    ) -> None:
        self.archive, self.keys, self.every, self.say = archive, keys, every_signature, say
        self.wrong = self.seals = self.events = 0
        self.lines = self._event_lines()
        self.next: Line | None = next(self.lines, None)
        self.whole = bool(json.loads(archive.read("manifest.json"))["whole"])
        self.heads: dict[int, list[bytes]] = {}

    def fail(self, chinese: str, english: str) -> None:
        """Name one thing that is wrong, in both languages."""
        self.wrong += 1
        if self.wrong <= 1000:
            self.say("✗ " + chinese + " / " + english)

    def _event_lines(self) -> Iterator[Line]:
        with self.archive.open("events.jsonl") as file:
            for number, raw in enumerate(file, 1):
                line = raw.rstrip(b"\r\n")
                try:
                    yield number, json.loads(line)["id"], line
                except (ValueError, KeyError, TypeError):
                    yield number, None, line

    def run(self, kept: Sequence[str]) -> dict[str, Any] | None:
        """Check seals, events and heads; returns the last seal."""
        for line in kept:
            self.note_head(line)
        before: dict[str, Any] | None = None
        with self.archive.open("seals.jsonl") as file:
            for raw in file:
                try:
                    seal = json.loads(raw)
                    self.check_seal(before, seal)
                    self.check_events(seal)
                except (ValueError, KeyError, TypeError, struct.error, AttributeError) as error:
                    place = "?" if before is None else before["ordinal"] + 1
                    self.fail(f"封存 {place} 无法读取", f"seal {place} cannot be read ({error})")
                    continue
                before = seal
                self.seals += 1
        while self.next is not None:
            self.stray()
        if before is None:
            self.fail("没有封存", "there is no seal")
        elif not self.every:
            self.check_signature(before)
        for ordinal in sorted(self.heads):
            self.fail(f"另行保存的封存头 {ordinal} 不在其中", f"head {ordinal} that was kept is not in the export")
        return before

    def note_head(self, line: str) -> None:
        """Remember a head that was kept outside, if its signature holds."""
        try:
            head = json.loads(line)
            chain = bytes.fromhex(head["hash"])
            public = self.keys.get(head["key_id"])
            message = message_of(head["ordinal"], head["events"], chain)
            signed = public is not None and is_signed(public, message, base64.b64decode(head["signature"]))
            ordinal = head["ordinal"]
        except (ValueError, KeyError, TypeError, struct.error):
            self.fail("封存头无法读取", "a head cannot be read")
            return
        if not signed:
            self.fail(f"封存头 {ordinal} 的签名不符", f"the signature of head {ordinal} does not hold")
        self.heads.setdefault(ordinal, []).append(chain)

    def check_seal(self, before: dict[str, Any] | None, seal: dict[str, Any]) -> None:
        """The seal's own digest, its link, and its signature where each is asked for."""
        ordinal = seal["ordinal"]
        chain = bytes.fromhex(seal["hash"])
        if hash_of(seal) != chain:
            self.fail(f"封存 {ordinal} 已被改动", f"seal {ordinal} has been changed")
        if before is None:
            linked = ordinal != 1 or seal["previous"] == "00" * 32
        else:
            follows = ordinal == before["ordinal"] + 1 and seal["events"] == before["events"] + seal["count"]
            linked = follows and seal["previous"] == before["hash"]
        if not linked:
            self.fail(f"封存 {ordinal} 与前一封存不相衔接", f"seal {ordinal} does not follow from the one before")
        for kept in self.heads.pop(ordinal, []):
            if kept != chain:
                self.fail(f"封存 {ordinal} 与另行保存的不同", f"seal {ordinal} is not the one that was kept")
        if self.every:
            self.check_signature(seal)

    def check_signature(self, seal: dict[str, Any]) -> None:
        """Whether a known key signed the head of this seal; the newest one vouches for all before it."""
        public = self.keys.get(seal["key_id"])
        ordinal = seal["ordinal"]
        if public is None:
            self.fail(f"没有封存 {ordinal} 的公钥", f"no public key for seal {ordinal} ({seal['key_id']})")
            return
        message = message_of(ordinal, seal["events"], bytes.fromhex(seal["hash"]))
        if not is_signed(public, message, base64.b64decode(seal["signature"])):
            self.fail(f"封存 {ordinal} 的签名不符", f"the signature of seal {ordinal} does not hold")

    def check_events(self, seal: dict[str, Any]) -> None:
        """The lines that the export says are of this seal, against the digests that were sealed."""
        if "leaves" not in seal:
            if self.whole and seal["count"]:
                self.fail(f"封存 {seal['ordinal']} 没有内容", f"seal {seal['ordinal']} comes without its events")
            return
        ids, leaves, foreign = (base64.b64decode(seal[name]) for name in ("ids", "leaves", "foreign_ids"))
        if body_of(ids, leaves, foreign).hex() != seal["body"]:
            self.fail(f"封存 {seal['ordinal']} 的摘要已被改动", f"the digests of seal {seal['ordinal']} were changed")
        numbers = struct.unpack(f">{len(ids) // 8}q", ids)
        sealed = {key: leaves[32 * place : 32 * place + 32] for place, key in enumerate(numbers)}
        for key in struct.unpack(f">{len(foreign) // 8}q", foreign):
            self.fail(f"动态 {key} 不是由系统写入的", f"event {key} was not written by the product")
        wanted = list(numbers) if self.whole else list(seal["included"])
        for place, key in enumerate(wanted):
            while self.next is not None and self.next[1] != key and self.next[1] not in wanted[place + 1 :]:
                self.stray()
            if self.next is None or self.next[1] != key:
                self.fail(f"动态 {key} 缺失", f"event {key} is missing")
                continue
            if leaf_of(self.next[2]) != sealed.get(key):
                self.fail(f"动态 {key} 与封存时不一致", f"event {key} is not what was sealed")
            self.events += 1
            self.next = next(self.lines, None)

    def stray(self) -> None:
        """A line that stands where nothing was sealed."""
        number, key, _ = self.next or (0, None, b"")
        self.fail(f"第 {number} 行（动态 {key}）不在封存之中", f"line {number} (event {key}) was not sealed here")
        self.next = next(self.lines, None)


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify one export and say what was found."""
    parser = argparse.ArgumentParser(description="核验封存导出 / verify a sealed export")
    parser.add_argument("export", help="导出文件 / the .zip")
    parser.add_argument("--key", action="append", default=[], help="另行获得的公钥 / a public key from elsewhere")
    parser.add_argument("--heads", action="append", default=[], help="另行保存的封存头 / heads that you kept")
    parser.add_argument("--all", action="store_true", help="核验每个签名（较慢）/ every signature, slow")
    given = parser.parse_args(arguments)
    try:
        texts = [Path(name).read_text(encoding="utf-8") for name in given.heads]
        kept = [line for text in texts for line in text.splitlines() if line.strip()]
        with zipfile.ZipFile(given.export) as archive:
            packed = archive.read("keys.txt").decode().split("\n")
            own = [line.split()[1] for line in packed if line.strip()]
            keys = {key_id(public): public for public in map(read_key, given.key or own)}
            kept += archive.read("heads.jsonl").decode().splitlines()
            check = Check(archive, keys, given.all)
            last = check.run(kept)
    except (OSError, ValueError, KeyError, IndexError, zipfile.BadZipFile) as error:
        print(f"✗ 无法读取 / cannot be read: {error}")
        return 1
    if not given.key:
        print("! 公钥取自导出文件本身，请与另行获得的公钥核对 / the key is the export's own: compare it")
    for public in keys.values():
        print(f"  公钥 / public key: {base64.b64encode(public).decode()}")
    if last is not None:
        print(f"  封存头 / head: {last['ordinal']}  {fingerprint(bytes.fromhex(last['hash']))}")
    print("  范围 / scope: " + ("全部 / everything" if check.whole else "部分 / a part"))
    print(f"  封存 / seals: {check.seals}, 动态 / events: {check.events}")
    print("✓ 一致 / all holds" if not check.wrong else f"✗ 不一致：{check.wrong} 处 / {check.wrong} findings")
    return 1 if check.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
