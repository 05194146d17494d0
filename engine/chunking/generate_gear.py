#!/usr/bin/env python3
"""Writes fastcdc2020_gear.inc: the gear table of FastCDC 2020 (the first 8 bytes, big-endian, of the MD5 of 64
repetitions of each byte)."""
import hashlib

entries = [int.from_bytes(hashlib.md5(bytes([value]) * 64).digest()[:8], "big") for value in range(256)]
print("// Written by generate_gear.py.")
for row in range(0, 256, 4):
    print(" ".join(f"0x{entry:016x}," for entry in entries[row:row + 4]))
