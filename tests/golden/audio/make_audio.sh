#!/bin/bash
# Makes the sound files of this folder (but those of HE-AAC, see make_he_aac.py): two chirps (left, right), 0.6 s, in every format that Attune decodes;
# of the uncompressed ones only the first 0.1 s.
# Needs python3 and ffmpeg (made with 5.1.9). The signal is the formula below; tests/tests/decoding.rs has the same.
set -e
cd "$(dirname "$0")"
python3 - <<'P'
import math, struct, wave
RATE, N = 44100, 26461   # no multiple of any codec's frame
def sample(t):
    left = 0.4 * math.sin(2 * math.pi * (200 * t + 1500 * t * t))
    right = 0.3 * math.sin(2 * math.pi * (900 * t + 900 * t * t))
    return struct.pack("<hh", round(left * 32767), round(right * 32767))
w = wave.open("whole.wav", "wb")
w.setnchannels(2); w.setsampwidth(2); w.setframerate(RATE)
w.writeframes(b"".join(sample(i / RATE) for i in range(N)))
P
make() { ffmpeg -v error -y -i whole.wav -map_metadata -1 -fflags +bitexact "${@:2}" "$1"; }
make s16.wav -t 0.1 -c:a pcm_s16le
make rf64.wav -t 0.1 -c:a pcm_s16le -rf64 always
make u8.wav -t 0.1 -c:a pcm_u8
make s24.wav -t 0.1 -c:a pcm_s24le
make s32.wav -t 0.1 -c:a pcm_s32le
make f32.wav -t 0.1 -c:a pcm_f32le
make s16.aiff -t 0.1 -c:a pcm_s16be
make flac.flac -c:a flac
make cbr.mp3 -c:a libmp3lame -b:a 96k
make vbr.mp3 -c:a libmp3lame -q:a 5
make untagged.mp3 -c:a libmp3lame -b:a 64k -write_xing 0 -id3v2_version 0
make vorbis.ogg -c:a libvorbis -q:a 3
make opus.opus -c:a libopus -b:a 64k
make aac.m4a -c:a aac -b:a 96k
make adts.aac -c:a aac -b:a 96k
make alac.m4a -t 0.1 -c:a alac
make alac24.m4a -t 0.1 -c:a alac -sample_fmt s32p
# Six channels in the order of WAV files: the chirps, their sum, nothing, their halves.
surround="pan=5.1|FL=FL|FR=FR|FC=FL+FR|LFE=0*FL|BL=0.5*FL|BR=0.5*FR"
make surround.wav -t 0.01 -af "$surround" -c:a pcm_s16le
make surround.opus -t 0.2 -af "$surround" -c:a libopus -b:a 128k -mapping_family 1
make surround.m4a -t 0.2 -af "$surround" -c:a aac -b:a 160k
make family1.opus -t 0.2 -c:a libopus -b:a 128k -mapping_family 1
make opus.mp4 -t 0.2 -c:a libopus -b:a 128k
rm whole.wav
