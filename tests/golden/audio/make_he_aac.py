#!/usr/bin/env python3
"""Makes the HE-AAC files of this folder: the chirps of make_audio.sh, 0.6 s.

make_he_aac.py ENCODER, which is encode_he_aac.c linked with FDK AAC 2.0 (made with the sources in the crate fdk-aac-sys 0.5.0).
The boxes are written here, so that each way of declaring HE-AAC and of saying where the music begins is there once.
"""
import math, struct, subprocess, sys

RATE, N = 44100, 26461


def pcm():
    for i in range(N):
        t = i / RATE
        left = 0.4 * math.sin(2 * math.pi * (200 * t + 1500 * t * t))
        right = 0.3 * math.sin(2 * math.pi * (900 * t + 900 * t * t))
        yield struct.pack("<hh", round(left * 32767), round(right * 32767))


def encode(object_type, signalling, bitrate, transport):
    arguments = [object_type, signalling, RATE, bitrate, transport]
    out = subprocess.run([sys.argv[1], *map(str, arguments)], input=b"".join(pcm()), check=True, capture_output=True).stdout
    if transport == 2:
        return out
    line, out = out.split(b"\n", 1)
    delay, core_delay, frame, config = line.split()
    packets = []
    while out:
        n = struct.unpack(">I", out[:4])[0]
        packets.append(out[4 : 4 + n])
        out = out[4 + n :]
    return int(delay), int(core_delay), int(frame), bytes.fromhex(config.decode()), packets


def box(kind, *content):
    content = b"".join(content)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def numbers(*values):
    return b"".join(struct.pack(">I", v & 0xFFFFFFFF) for v in values)


def descriptor(tag, *content):
    content = b"".join(content)
    return bytes([tag, len(content)]) + content


MATRIX = numbers(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def m4a(encoded, ticks_per_sec, channels, edges):
    """`edges`: "list" has the delay of encoder and decoder in an edit list, "comment" that of the encoder in iTunes' comment."""
    delay, core_delay, frame, config, packets = encoded
    scale = RATE // ticks_per_sec
    tick, music = frame // scale, N // scale
    data = b"".join(packets)
    total = len(packets) * tick
    es = descriptor(3, b"\0\0\0", descriptor(4, b"\x40\x15\0\0\0", numbers(48000, 48000), descriptor(5, config)), descriptor(6, b"\2"))
    entry = box(b"mp4a", bytes(6), b"\0\1", bytes(8), struct.pack(">HHI", channels, 16, 0), numbers(ticks_per_sec << 16),
                box(b"esds", numbers(0), es))

    def moov(offset):
        table = box(b"stbl", box(b"stsd", numbers(0, 1), entry), box(b"stts", numbers(0, 1, len(packets), tick)),
                    box(b"stsc", numbers(0, 1, 1, len(packets), 1)), box(b"stsz", numbers(0, 0, len(packets), *map(len, packets))),
                    box(b"stco", numbers(0, 1, offset)))
        media = box(b"mdia", box(b"mdhd", numbers(0, 0, 0, ticks_per_sec, total, 0x55C40000)),
                    box(b"hdlr", numbers(0, 0), b"soun", bytes(13)),
                    box(b"minf", box(b"smhd", numbers(0, 0)), box(b"dinf", box(b"dref", numbers(0, 1), box(b"url ", numbers(1)))), table))
        edit = [] if edges == "comment" else [box(b"edts", box(b"elst", numbers(0, 1, music, delay // scale, 0x10000)))]
        track = box(b"trak", box(b"tkhd", numbers(7, 0, 0, 1, 0, music, 0, 0, 0, 0x01000000), MATRIX, numbers(0, 0)), *edit, media)
        comment = []
        if edges == "comment":
            pad = total - music - core_delay // scale
            text = " 00000000 %08X %08X %016X" % (core_delay // scale, pad, music) + " 00000000" * 8
            item = box(b"----", box(b"mean", numbers(0), b"com.apple.iTunes"), box(b"name", numbers(0), b"iTunSMPB"),
                       box(b"data", numbers(1, 0), text.encode()))
            handler = box(b"hdlr", numbers(0, 0), b"mdirappl", bytes(9))
            comment = [box(b"udta", box(b"meta", numbers(0), handler, box(b"ilst", item)))]
        head = box(b"mvhd", numbers(0, 0, 0, ticks_per_sec, music, 0x10000, 0x01000000, 0, 0), MATRIX, bytes(24), numbers(2))
        return box(b"moov", head, track, *comment)

    brand = box(b"ftyp", b"M4A ", numbers(0), b"M4A mp42isom")
    offset = len(brand) + len(moov(0)) + 8
    return brand + moov(offset) + box(b"mdat", data)


def write(name, content):
    with open(name, "wb") as file:
        file.write(content)


# Object types 5: spectral band replication, 29: parametric stereo too. Signalling 0: not declared; 1: behind the core's
# configuration, where old decoders do not look; 2: declared.
write("he_hidden.m4a", m4a(encode(5, 0, 48000, 0), RATE // 2, 2, "list"))
write("he_backward.m4a", m4a(encode(5, 1, 48000, 0), RATE, 2, "list"))
write("he_declared.m4a", m4a(encode(5, 2, 48000, 0), RATE, 2, "comment"))
write("he_v2_hidden.m4a", m4a(encode(29, 0, 32000, 0), RATE // 2, 1, "comment"))
write("he_v2_declared.m4a", m4a(encode(29, 2, 32000, 0), RATE, 2, "list"))
write("he.aac", encode(5, 0, 48000, 2))
