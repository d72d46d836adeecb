#!/usr/bin/env python3
"""Measurement documents of an image directory, computed from the specification (host 4.1, 5.2 to
5.10) and apart from dstack's own code. Usage: image_documents.py DIRECTORY
Compares the documents that the image has with those that its files give; exits 1 when one differs."""
import hashlib
import json
import pathlib
import struct
import sys
import uuid

PAGE = 4096
TABLE = "96b582de-1fb2-45f7-baea-a366c55a082d"
TDX, SEV = "e47a6535-984a-4798-865e-4685a7bf8ec2", "dc886566-984a-4798-a75e-5585a7bf67cc"
RESET, HASHES = "00f771de-1a7e-4fcb-890e-68c77e2fb44e", "7255371f-3a3b-4b04-927b-1da6efa8d454"


def sha384(data):
    return hashlib.sha384(data).digest()


def guid_table(firmware):
    """The entries before the last 32 bytes, by GUID."""
    out, end = {}, len(firmware) - 32
    assert firmware[end - 16:end] == uuid.UUID(TABLE).bytes_le
    start = end - struct.unpack_from("<H", firmware, end - 18)[0]
    end -= 18
    while end - 18 >= start:
        size, = struct.unpack_from("<H", firmware, end - 18)
        out[str(uuid.UUID(bytes_le=firmware[end - 16:end]))] = firmware[end - size:end - 18]
        end -= size
    return out


def sections(firmware, guid, row):
    """The rows of the description that this entry leads to."""
    at = len(firmware) - struct.unpack("<I", guid_table(firmware)[guid][-4:])[0]
    count, = struct.unpack_from("<I", firmware, at + 12)
    return [struct.unpack_from(row, firmware, at + 16 + i * struct.calcsize(row)) for i in range(count)]


def tdvf(firmware):
    """Offset in the file, size in it, address, size, type and attributes of each section."""
    return sections(firmware, TDX, "<IIQQII")


def mrtd(firmware, two_pass):
    stream = hashlib.sha384()

    def block(name, address):
        stream.update(name.ljust(16, b"\0") + struct.pack("<Q", address) + bytes(104))

    def extend(address, page):
        for at in range(0, PAGE, 256):
            block(b"MR.EXTEND", address + at)
            stream.update(page[at:at + 256])

    for offset, _, address, size, _, attributes in tdvf(firmware):
        for at in range(0, size, PAGE):
            block(b"MEM.PAGE.ADD", address + at)
            if attributes & 1 and not two_pass:
                extend(address + at, firmware[offset + at:offset + at + PAGE])
        for at in range(0, size, PAGE) if attributes & 1 and two_pass else []:
            extend(address + at, firmware[offset + at:offset + at + PAGE])
    return stream.digest()


def leb128(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def witness(firmware):
    """The memory that the firmware takes for itself."""
    pages = [(address // PAGE, size // PAGE, kind) for _, _, address, size, kind, _ in tdvf(firmware) if kind in (2, 3)]
    base = min(pages)[0]
    hob = next(start for start, _, kind in pages if kind == 2)
    out = leb128(base) + leb128(hob - base) + leb128(len(pages))
    return out + b"".join(leb128(start - base) + leb128(count) for start, count, _ in sorted(pages))


def served(kernel, initrd_size):
    """A bzImage with its header as QEMU up to 10.1 writes it for a VM of 4 GiB."""
    out = bytearray(kernel)
    out[0x210], out[0x211] = 0xB0, out[0x211] | 0x80
    struct.pack_into("<H", out, 0x224, 0xFE00)
    struct.pack_into("<I", out, 0x228, 0x20000)
    struct.pack_into("<II", out, 0x218, (0x80000000 - 0x28000 - 1 - initrd_size) & ~0xFFF, initrd_size)
    return bytes(out)


def authenticode(image):
    pe, = struct.unpack_from("<I", image, 0x3C)
    count, optional_size = struct.unpack_from("<H12xH", image, pe + 6)
    headers, = struct.unpack_from("<I", image, pe + 24 + 60)
    checksum, directory = pe + 24 + 64, pe + 24 + 112 + 4 * 8
    certificates, = struct.unpack_from("<I", image, directory + 4)
    data = image[:checksum] + image[checksum + 4:directory] + image[directory + 8:headers]
    done = headers
    table = [struct.unpack_from("<16xII", image, pe + 24 + optional_size + 40 * i) for i in range(count)]
    for size, offset in sorted((s for s in table if s[0]), key=lambda s: s[1]):
        data += image[offset:offset + size]
        done += size
    data += image[done:len(image) - certificates]
    return sha384(data + bytes(-len(image) % 8))


def ovmf_hash(firmware):
    digest = bytes(48)
    start = (1 << 32) - len(firmware)
    for at in range(0, len(firmware), PAGE):
        page = sha384(firmware[at:at + PAGE])
        digest = sha384(digest + page + struct.pack("<HBBIQ", 0x70, 1, 0, 0, start + at))
    return digest


def head(major, value):
    if value < 24:
        return bytes([major << 5 | value])
    info, size = next((i, s) for i, s in ((24, 1), (25, 2), (26, 4), (27, 8)) if value < 1 << 8 * s)
    return bytes([major << 5 | info]) + value.to_bytes(size, "big")


def cbor(value):
    """As much of CBOR as the documents need."""
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    return head(5, len(value)) + b"".join(cbor(k) + cbor(v) for k, v in value.items())


def documents(image, version=4):
    """What measurement.tdx.cbor and, with firmware for it, measurement.snp.cbor hold."""
    metadata = json.loads((image / "metadata.json").read_text())
    firmware, kernel, initrd = ((image / metadata[key]).read_bytes() for key in ("bios", "kernel", "initrd"))
    cmdline = metadata["cmdline"]
    event = sha384((cmdline + " initrd=initrd\0").encode("utf-16-le"))
    about = {"cmdline_sha384": event} if version == 3 else {"cmdline": cmdline}
    about["kernel_authenticode"] = authenticode(served(kernel, len(initrd)))
    if version != 3:
        about["kernel_header_normalized"] = False
    about["initrd_sha384"] = sha384(initrd)
    out = {"measurement.tdx.cbor": cbor({
        "version": version, "image": about,
        "tdvf": {"ovmf": "pre202505",
                 "mrtd": {"single_pass": mrtd(firmware, False), "two_pass": mrtd(firmware, True)},
                 "td_hob": witness(firmware)}})}
    if "bios-sev" in metadata:
        sev = (image / metadata["bios-sev"]).read_bytes()
        table = guid_table(sev)
        out["measurement.snp.cbor"] = cbor({
            "version": 3, "cmdline": cmdline, "ovmf_hash": ovmf_hash(sev),
            "kernel_hash": hashlib.sha256(kernel).digest(), "initrd_hash": hashlib.sha256(initrd).digest(),
            "hashes_table_gpa": struct.unpack_from("<I", table[HASHES])[0],
            "reset_eip": struct.unpack_from("<I", table[RESET])[0],
            "ovmf_sections": [dict(zip(("gpa", "size", "type"), row)) for row in sections(sev, SEV, "<III")]})
    return out


def main(directory):
    image = pathlib.Path(directory)
    for name, content in documents(image).items():
        if (image / name).read_bytes() != content:
            sys.exit(f"{name} is not what the image's files give")
        print(f"{name}: the same when computed apart from dstack, {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main(sys.argv[1])
