"""ClientHellos as real clients send them, and as nobody should: built byte by byte, or by OpenSSL."""
import os
import random
import ssl
import struct

MAX_MESSAGE = 16 * 1024  # of a ClientHello behind its header, as the gateway takes it


def vector(size_bytes, body):
    return len(body).to_bytes(size_bytes, "big") + body


def extension(kind, body):
    return struct.pack(">H", kind) + vector(2, body)


def server_name(name):
    return extension(0, vector(2, b"\0" + vector(2, name if isinstance(name, bytes) else name.encode())))


def padding(size):
    return extension(21, bytes(size))


def grease(rng):
    return bytes([rng.randrange(16) * 16 + 10]) * 2


def shares(rng, group, post_quantum):
    """Key shares: of a GREASE group, X25519MLKEM768 (its size is what matters here), X25519."""
    out = group + vector(2, b"\0")
    if post_quantum:
        out += b"\x11\xec" + vector(2, rng.randbytes(1184 + 32))
    return out + b"\0\x1d" + vector(2, rng.randbytes(32))


def chrome_extensions(rng, post_quantum):
    group = grease(rng)
    groups = group + (b"\x11\xec" if post_quantum else b"") + bytes.fromhex("001d00170018")
    return [
        extension(23, b""), extension(0xff01, b"\0"), extension(10, vector(2, groups)), extension(11, b"\1\0"), extension(35, b""),
        extension(16, vector(2, vector(1, b"h2") + vector(1, b"http/1.1"))), extension(5, b"\1\0\0\0\0"),
        extension(13, vector(2, bytes.fromhex("0403080404010503080505010806 0601".replace(" ", "")))), extension(18, b""),
        extension(51, vector(2, shares(rng, group, post_quantum))), extension(45, b"\1\1"),
        extension(43, vector(1, grease(rng) + b"\3\4\3\3")), extension(27, b"\2\0\2"), extension(17513, vector(2, vector(1, b"h2"))),
        extension(0xfe0d, b"\0\0\1\0\1" + rng.randbytes(1) + vector(2, rng.randbytes(32)) + vector(2, rng.randbytes(144)))]


def message(name, seed=1, post_quantum=False, before_name=(), total=None):
    """A ClientHello as Chrome sends it, with its extensions in an order of chance; name None: without.
    before_name: extensions that stand before the name; total: padded to so many bytes of content."""
    rng = random.Random(seed)
    suites = grease(rng) + bytes.fromhex("130113021303c02bc02fc02cc030cca9cca8c013c014009c009d002f0035")
    inner = chrome_extensions(rng, post_quantum)
    if name is not None:
        inner.append(b"".join(before_name) + server_name(name))
    rng.shuffle(inner)
    block = extension(0x0a0a, b"") + b"".join(inner) + extension(0x1a1a, b"\0")
    head = b"\3\3" + rng.randbytes(32) + vector(1, rng.randbytes(32)) + vector(2, suites) + b"\1\0"
    if total is not None:
        block += padding(total - len(head) - 2 - len(block) - 4)
    return b"\1" + vector(3, head + vector(2, block))


def records(handshake, size=16384):
    """The message in records that hold at most so many bytes each."""
    pieces = [handshake[i:i + size] for i in range(0, len(handshake), size)]
    return b"".join(b"\x16\3\1" + vector(2, piece) for piece in pieces)


def handshake_of(wire):
    """The bytes that records carry."""
    out = b""
    while wire:
        size = int.from_bytes(wire[3:5], "big")
        out, wire = out + wire[5:5 + size], wire[5 + size:]
    return out


def by_openssl(name, lowest, highest, protocols=()):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version, context.maximum_version = lowest, highest
    if protocols:
        context.set_alpn_protocols(protocols)
    out = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


def corpus(name):
    """Whole first flights by what they are; every one is fine."""
    v12, v13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    out = {"OpenSSL, TLS 1.3": by_openssl(name, v13, v13), "OpenSSL, TLS 1.2": by_openssl(name, v12, v12),
           "OpenSSL, both, ALPN": by_openssl(name, v12, v13, ["h2", "http/1.1"])}
    for seed in range(4):
        out[f"Chrome, order {seed}"] = records(message(name, seed))
    out["Chrome, post-quantum"] = records(message(name, 5, post_quantum=True))
    out["a name behind 5 KiB"] = records(message(name, 6, before_name=[extension(0x5a5a, os.urandom(5000))]))
    out["16 KiB"] = records(message(name, 7, post_quantum=True, total=MAX_MESSAGE))
    out["records of 1 byte"] = records(message(name, 8), 1)
    out["records of 7 bytes, post-quantum"] = records(message(name, 9, post_quantum=True), 7)
    out["records of 100 bytes, 16 KiB"] = records(message(name, 10, total=MAX_MESSAGE), 100)
    return out
