// Sums of columns and channels in two stages, and biases. The first stage gives partial sums, the second adds them in order, in double.

/// Sums of columns of [rows, width]: partial[part width + j] over rows part, part + parts, .. Grid (ceil(width / 256), parts).
KERNEL column_partial(const T* x, float* partial, int width, int parts, i64 rows) {
    for (i64 j = first_of_each(); j < width; j += stride_of_each()) {
        float sum = 0.0f;
        for (i64 row = blockIdx.y; row < rows; row += parts) sum += to_float(x[row * width + j]);
        partial[(i64)blockIdx.y * width + j] = sum;
    }
}

/// to[j] = sum over parts of partial[part width + j]. "each" over width.
KERNEL column_finish(const float* partial, float* to, int width, int parts) {
    for (i64 j = first_of_each(); j < width; j += stride_of_each()) {
        double sum = 0.0;
        for (int part = 0; part < parts; part++) sum += partial[(i64)part * width + j];
        to[j] = (float)sum;
    }
}

/// Sums of channels of [batch, channels, plane]: partial[part channels + c]. Grid (channels, parts). Finish by column_finish.
KERNEL channel_partial(const T* x, float* partial, int batch, int channels, i64 plane, int parts) {
    __shared__ float scratch[32];
    // Whole planes, or with more parts than clips pieces of one.
    int pieces = parts <= batch ? 1 : parts / batch, part = blockIdx.y;
    int first = pieces == 1 ? part : part / pieces, step = pieces == 1 ? parts : batch;
    i64 length = (plane + pieces - 1) / pieces, start = (part % pieces) * length;
    i64 end = start + length < plane ? start + length : plane;
    for (int c = blockIdx.x; c < channels; c += gridDim.x) {
        float sum = 0.0f;
        for (int b = first; b < batch; b += step)
            for (i64 p = start + threadIdx.x; p < end; p += BLOCK) sum += to_float(x[((i64)b * channels + c) * plane + p]);
        sum = block_sum(sum, scratch);
        if (threadIdx.x == 0) partial[(i64)part * channels + c] = sum;
    }
}

/// y = x + bias[i % width]. "each". y may be x.
KERNEL add_columns(const T* x, const float* bias, T* y, int width, i64 n) {
    for (i64 i = first_of_each(); i < n; i += stride_of_each()) y[i] = of_float<T>(to_float(x[i]) + bias[divided(i, width).rest]);
}

/// z = x + bias[i % width] and y = gelu(z), of the z that is stored. "each"; 3 n sizeof(T) bytes. z may be x.
KERNEL add_columns_gelu(const T* x, const float* bias, T* z, T* y, int width, i64 n) {
    for (i64 i = first_of_each(); i < n; i += stride_of_each()) {
        T sum = of_float<T>(to_float(x[i]) + bias[divided(i, width).rest]);
        z[i] = sum;
        y[i] = of_float<T>(gelu_of(to_float(sum)));
    }
}

/// y = x + bias of the channel, [batch, channels, plane]. "each". y may be x.
KERNEL add_channels(const T* x, const float* bias, T* y, int channels, i64 plane, i64 n) {
    for (i64 i = first_of_each(); i < n; i += stride_of_each()) y[i] = of_float<T>(to_float(x[i]) + bias[divided(quotient(i, plane), channels).rest]);
}

/// partial[block] = sum of squares of its share of x. One partial sum for each block of the grid.
KERNEL square_partial(const float* x, double* partial, i64 n) {
    __shared__ double scratch[32];
    double sum = 0.0;
    for (i64 i = first_of_each(); i < n; i += stride_of_each()) sum += (double)x[i] * x[i];
    sum = block_sum(sum, scratch);
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

/// to[0] += the sum of the parts. One thread works.
KERNEL square_finish(const double* partial, double* to, int parts) {
    if (first_of_each() != 0) return;
    double sum = 0.0;
    for (int part = 0; part < parts; part++) sum += partial[part];
    to[0] += sum;
}
