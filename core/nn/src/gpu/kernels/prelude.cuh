// What stands in front of every source of kernels. NVRTC gets no header files: everything is here.
//
// A source is compiled twice, with T = float and T = bf16: the type of activations and of their gradients. Parameters, statistics and sums
// are float in both, and all arithmetic is. Blocks have 256 threads. Kernels whose threads walk over numbers ("each") may be launched with
// any number of blocks; kernels that give a row to a block ("row") too. Results never depend on which block came first: there are no atomics.

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

#define KERNEL extern "C" __global__ void
#define BLOCK 256

#ifndef INFINITY
#define INFINITY __int_as_float(0x7f800000)
#endif

/// The upper half of a float.
struct bf16 {
    unsigned short bits;
};

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(bf16 x) { return __uint_as_float((u32)x.bits << 16); }

template <class V> __device__ __forceinline__ V of_float(float x);
template <> __device__ __forceinline__ float of_float<float>(float x) { return x; }
/// To the nearest, ties to even; what is not a number stays so.
template <> __device__ __forceinline__ bf16 of_float<bf16>(float x) {
    u32 bits = __float_as_uint(x);
    bf16 y;
    y.bits = (unsigned short)(x != x ? (bits >> 16) | 0x40u : (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
    return y;
}

/// Sixteen bytes of numbers, which travel together.
constexpr int VECTOR = 16 / (int)sizeof(T);
struct alignas(16) Pack {
    T v[VECTOR];
};

/// Whether an address may be read as packs.
__device__ __forceinline__ bool is_aligned(const void* p) { return ((u64)p & 15) == 0; }

/// This thread's number in the grid, and how many there are.
__device__ __forceinline__ i64 first_of_each() { return (i64)blockIdx.x * blockDim.x + threadIdx.x; }
__device__ __forceinline__ i64 stride_of_each() { return (i64)gridDim.x * blockDim.x; }

/// i / n and i % n. A division of 64 bits takes about a hundred instructions; almost always 32 are enough.
struct Divided {
    i64 whole;
    int rest;
};
__device__ __forceinline__ Divided divided(i64 i, int n) {
    Divided d;
    if (((u64)i >> 32) == 0) {
        d.whole = (i64)((u32)i / (u32)n);
        d.rest = (int)((u32)i % (u32)n);
    } else {
        d.whole = i / n;
        d.rest = (int)(i % n);
    }
    return d;
}

/// The same with a large divisor.
__device__ __forceinline__ i64 quotient(i64 i, i64 n) {
    return (((u64)i | (u64)n) >> 32) == 0 ? (i64)((u32)i / (u32)n) : i / n;
}

/// Sum over the block, the same in every thread. `scratch` holds 32 numbers; all threads must come.
template <class V> __device__ __forceinline__ V block_sum(V x, V* scratch) {
    for (int by = 16; by > 0; by >>= 1) x += __shfl_xor_sync(0xFFFFFFFFu, x, by);
    if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = x;
    __syncthreads();
    V total = 0;
    for (int warp = 0; warp < (int)blockDim.x / 32; warp++) total += scratch[warp];
    __syncthreads();
    return total;
}

/// Largest number of the block, the same in every thread.
__device__ __forceinline__ float block_max(float x, float* scratch) {
    for (int by = 16; by > 0; by >>= 1) x = fmaxf(x, __shfl_xor_sync(0xFFFFFFFFu, x, by));
    if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = x;
    __syncthreads();
    float largest = scratch[0];
    for (int warp = 1; warp < (int)blockDim.x / 32; warp++) largest = fmaxf(largest, scratch[warp]);
    __syncthreads();
    return largest;
}

/// 1 / (1 + exp(-x)), without overflow.
__device__ __forceinline__ float logistic(float x) {
    float power = expf(-fabsf(x));
    return (x < 0.0f ? power : 1.0f) / (1.0f + power);
}

/// The share of a normal distribution below x.
__device__ __forceinline__ float below(float x) {
    // By the complement on the left, so that what is small keeps its digits.
    return 0.5f * erfcf(-0.70710678118654752f * x);
}

__device__ __forceinline__ float gelu_of(float x) { return x * below(x); }
__device__ __forceinline__ float gelu_slope(float x) { return below(x) + x * 0.39894228040143268f * expf(-0.5f * x * x); }
