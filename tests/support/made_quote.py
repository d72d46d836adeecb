#!/usr/bin/env python3
"""A TDX quote with the registers of a prediction, of the right shape and signed by nobody, and the
event log that belongs to it. Usage: made_quote.py QUOTE [LOG] <prediction
The prediction is the document of 'dstack measure --json'."""
import json
import pathlib
import struct
import sys


def quote(registers):
    out = bytearray(48 + 584)
    struct.pack_into("<HHI", out, 0, 4, 2, 0x81)
    out[12:28] = bytes.fromhex("939a7233f79c4ca9940a0db3957f0607")
    out[184:232] = bytes.fromhex(registers["mrtd"])
    for i in range(3):
        out[376 + 48 * i:424 + 48 * i] = bytes.fromhex(registers[f"rtmr{i}"])
    inner = bytes(384 + 64) + struct.pack("<HHI", 0, 1, 36) + bytes(36)
    auth = bytes(128) + struct.pack("<HI", 6, len(inner)) + inner
    return bytes(out) + struct.pack("<I", len(auth)) + auth


def log(events):
    """As guests give it: of the firmware's events only those of the ACPI tables have names."""
    return json.dumps([{"imr": int(e["register"][4:]), "event_type": 10, "digest": e["digest"],
                        "event": e["event"] if e["event"].startswith("acpi") else "", "event_payload": ""}
                       for e in events])


if __name__ == "__main__":
    prediction = json.load(sys.stdin)
    pathlib.Path(sys.argv[1]).write_bytes(quote(prediction))
    if len(sys.argv) > 2:
        pathlib.Path(sys.argv[2]).write_text(log(prediction["events"]))
