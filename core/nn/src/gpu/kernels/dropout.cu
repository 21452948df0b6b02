// Dropout whose mask is computed anew where it is needed: word i % 4 of Philox block i / 4 under the key, seven rounds, as in dropout.rs.

/// Block `block` under `key`.
__device__ __forceinline__ void philox7(u64 block, u32 key_0, u32 key_1, u32* words) {
    u32 c0 = (u32)block, c1 = (u32)(block >> 32), c2 = 0, c3 = 0;
#pragma unroll
    for (int round = 0; round < 7; round++) {
        u32 low_high = __umulhi(c0, 0xD2511F53u), low = c0 * 0xD2511F53u;
        u32 high_high = __umulhi(c2, 0xCD9E8D57u), high = c2 * 0xCD9E8D57u;
        c0 = high_high ^ c1 ^ key_0;
        c1 = high;
        c2 = low_high ^ c3 ^ key_1;
        c3 = low;
        key_0 += 0x9E3779B9u;
        key_1 += 0xBB67AE85u;
    }
    words[0] = c0;
    words[1] = c1;
    words[2] = c2;
    words[3] = c3;
}

/// y[i] = x[i] * scale where word i is at least the threshold, else 0. Forward, and with dy for x backward. "each"; 2 n sizeof(T) bytes.
KERNEL dropout(const T* x, T* y, u32 key_0, u32 key_1, u32 threshold, float scale, i64 n) {
    i64 blocks = (n + 3) / 4;
    for (i64 block = first_of_each(); block < blocks; block += stride_of_each()) {
        u32 words[4];
        philox7((u64)block, key_0, key_1, words);
        i64 first = block * 4;
#pragma unroll
        for (int k = 0; k < 4; k++)
            if (first + k < n) y[first + k] = words[k] >= threshold ? of_float<T>(to_float(x[first + k]) * scale) : of_float<T>(0.0f);
    }
}
