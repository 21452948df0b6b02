// Binary cross entropy from logits: max(z, 0) - z y + ln(1 + exp(-|z|)), so that none is too large.

/// slope = (logistic(z) - y) w share and partial[block] = sum of its numbers' cross entropies times w share; w = 1 if weights are null. The mean has
/// share 1 / n, the weighted sum share 1. "each"; one partial sum for each block of the grid.
KERNEL bce(const T* z, const float* targets, const float* weights, float* slope, double* partial, float share, i64 n) {
    __shared__ double scratch[32];
    double sum = 0.0;
    for (i64 i = first_of_each(); i < n; i += stride_of_each()) {
        float v = to_float(z[i]), y = targets[i], w = (weights ? weights[i] : 1.0f) * share;
        float positive = v < 0.0f ? 0.0f : v;
        sum += (double)((positive - v * y + log1pf(expf(-fabsf(v)))) * w);
        slope[i] = (logistic(v) - y) * w;
    }
    sum = block_sum(sum, scratch);
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

/// loss[0] = the sum of the parts. One thread works.
KERNEL loss_finish(const double* partial, float* loss, int parts) {
    if (first_of_each() != 0) return;
    double sum = 0.0;
    for (int part = 0; part < parts; part++) sum += partial[part];
    loss[0] = (float)sum;
}
