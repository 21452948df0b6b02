// Sum, difference and product of a large tensor and a small one that is the same along some axes; and the sums that lead back.


/// Where the number of b for number i of a lies: sizes (., n1, n2, n3) row-major, b's strides s0 to s3 (0 where it is spread).
__device__ __forceinline__ i64 place_in_b(i64 i, int n1, int n2, int n3, i64 s0, i64 s1, i64 s2, i64 s3) {
    Divided third = divided(i, n3), second = divided(third.whole, n2), first = divided(second.whole, n1);
    return first.whole * s0 + first.rest * s1 + second.rest * s2 + third.rest * s3;
}

/// y = a + b. "each"; reads a and (mostly from the cache) b, writes y.
KERNEL spread_sum(const T* a, const T* b, T* y, int n1, int n2, int n3, i64 s0, i64 s1, i64 s2, i64 s3, i64 n) {
    for (i64 i = first_of_each(); i < n; i += stride_of_each())
        y[i] = of_float<T>(to_float(a[i]) + to_float(b[place_in_b(i, n1, n2, n3, s0, s1, s2, s3)]));
}
/// y = a - b.
KERNEL spread_difference(const T* a, const T* b, T* y, int n1, int n2, int n3, i64 s0, i64 s1, i64 s2, i64 s3, i64 n) {
    for (i64 i = first_of_each(); i < n; i += stride_of_each())
        y[i] = of_float<T>(to_float(a[i]) - to_float(b[place_in_b(i, n1, n2, n3, s0, s1, s2, s3)]));
}
/// y = a * b.
KERNEL spread_product(const T* a, const T* b, T* y, int n1, int n2, int n3, i64 s0, i64 s1, i64 s2, i64 s3, i64 n) {
    for (i64 i = first_of_each(); i < n; i += stride_of_each())
        y[i] = of_float<T>(to_float(a[i]) * to_float(b[place_in_b(i, n1, n2, n3, s0, s1, s2, s3)]));
}

/// db[j] = sign * sum over r of dy[p] * (a ? a[p] : 1), p = (j / k1) ks0 + (j % k1) ks1 + (r / r1) rs0 + (r % r1) rs1. "row" over n_b.
KERNEL spread_sums(const T* dy, const T* a, T* db, float sign, int k1, i64 ks0, i64 ks1, int r1, i64 rs0, i64 rs1, i64 n_reduced, i64 n_b) {
    __shared__ float scratch[32];
    for (i64 j = blockIdx.x; j < n_b; j += gridDim.x) {
        Divided kept = divided(j, k1);
        i64 start = kept.whole * ks0 + kept.rest * ks1;
        float sum = 0.0f;
        for (i64 r = threadIdx.x; r < n_reduced; r += blockDim.x) {
            Divided reduced = divided(r, r1);
            i64 p = start + reduced.whole * rs0 + reduced.rest * rs1;
            sum += to_float(dy[p]) * (a ? to_float(a[p]) : 1.0f);
        }
        sum = block_sum(sum, scratch);
        if (threadIdx.x == 0) db[j] = of_float<T>(sign * sum);
    }
}
