// Encodes 16-bit stereo from stdin with Fraunhofer's FDK AAC: the packets for make_he_aac.py.
// encode_he_aac OBJECT_TYPE SIGNALLING RATE BITRATE TRANSPORT < PCM
// Raw transport (0): a line with delay, delay without the decoder's, frame length and configuration (hexadecimal), then the
// packets, each after its length (32 bits, big-endian). ADTS (2): the stream.
#include "aacenc_lib.h"
#include <stdio.h>
#include <stdlib.h>
int main(int n, char **a) {
    HANDLE_AACENCODER e;
    int transport = atoi(a[5]);
    if (n != 6 || aacEncOpen(&e, 0, 2)) return 1;
    aacEncoder_SetParam(e, AACENC_AOT, atoi(a[1]));
    aacEncoder_SetParam(e, AACENC_SAMPLERATE, atoi(a[3]));
    aacEncoder_SetParam(e, AACENC_CHANNELMODE, 2);
    aacEncoder_SetParam(e, AACENC_BITRATE, atoi(a[4]));
    aacEncoder_SetParam(e, AACENC_TRANSMUX, transport);
    aacEncoder_SetParam(e, AACENC_SIGNALING_MODE, atoi(a[2]));
    if (aacEncEncode(e, 0, 0, 0, 0)) return 2;
    AACENC_InfoStruct info;
    aacEncInfo(e, &info);
    if (transport == 0) {
        printf("%u %u %u ", info.nDelay, info.nDelayCore, info.frameLength);
        for (unsigned i = 0; i < info.confSize; i++) printf("%02x", info.confBuf[i]);
        printf("\n");
    }
    static INT_PCM pcm[2 * 4096];
    static UCHAR out[8192];
    for (;;) {
        int got = fread(pcm, 4, info.frameLength, stdin);
        void *in_buf = pcm, *out_buf = out;
        INT in_id = IN_AUDIO_DATA, in_size = got * 4, in_el = 2, out_id = OUT_BITSTREAM_DATA, out_size = sizeof out, out_el = 1;
        AACENC_BufDesc in = {1, &in_buf, &in_id, &in_size, &in_el}, o = {1, &out_buf, &out_id, &out_size, &out_el};
        AACENC_InArgs in_args = {got > 0 ? got * 2 : -1, 0};
        AACENC_OutArgs out_args = {0};
        AACENC_ERROR err = aacEncEncode(e, &in, &o, &in_args, &out_args);
        if (err == AACENC_ENCODE_EOF) return 0;
        if (err) return 3;
        unsigned len = out_args.numOutBytes;
        if (len == 0) continue;
        if (transport == 0) for (int s = 24; s >= 0; s -= 8) putchar(len >> s & 255);
        fwrite(out, 1, len, stdout);
    }
}
