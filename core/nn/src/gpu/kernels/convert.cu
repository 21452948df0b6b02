// From one type of number to another. All "each".

/// n (sizeof(T) + 4) bytes.
KERNEL to_float(const T* x, float* y, i64 n) {
    for (i64 i = first_of_each(); i < n; i += stride_of_each()) y[i] = to_float(x[i]);
}
/// To the nearest; n (sizeof(T) + 4) bytes.
KERNEL from_float(const float* x, T* y, i64 n) {
    for (i64 i = first_of_each(); i < n; i += stride_of_each()) y[i] = of_float<T>(x[i]);
}
/// PCM of 16 bits to [-1, 1): 6 n bytes. As the loader does it: exact, as 2^-15 is a power of two.
KERNEL pcm_to_float(const short* x, float* y, i64 n) {
    for (i64 i = first_of_each(); i < n; i += stride_of_each()) y[i] = (float)x[i] * 3.0517578125e-5f;
}
/// flag[0] becomes 1 if any number is infinite or not a number, and stays as it is otherwise. All who write write the same.
KERNEL find_not_finite(const T* x, int* flag, i64 n) {
    bool found = false;
    for (i64 i = first_of_each(); i < n; i += stride_of_each()) {
        u32 bits = __float_as_uint(to_float(x[i]));
        found = found || (bits & 0x7F800000u) == 0x7F800000u;
    }
    if (found) flag[0] = 1;
}
