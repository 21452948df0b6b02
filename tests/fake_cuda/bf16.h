// Numbers in memory as float or bf16, for the libraries that compute with both.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

struct Numbers {
    void* at;
    bool is_bf16;

    float get(size_t i) const {
        if (!is_bf16) return static_cast<const float*>(at)[i];
        uint32_t bits = uint32_t(static_cast<const uint16_t*>(at)[i]) << 16;
        float x;
        memcpy(&x, &bits, 4);
        return x;
    }
    /// To the nearest, ties to even; what is not a number stays so.
    void set(size_t i, float x) const {
        if (!is_bf16) {
            static_cast<float*>(at)[i] = x;
            return;
        }
        uint32_t bits;
        memcpy(&bits, &x, 4);
        uint16_t to = x != x ? uint16_t((bits >> 16) | 0x40) : uint16_t((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
        static_cast<uint16_t*>(at)[i] = to;
    }
};
