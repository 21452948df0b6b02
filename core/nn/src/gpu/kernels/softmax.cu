// Softmax of rows. A warp takes a row, so a block eight at once; any number of blocks may be launched.

/// softmax(scale x). "row"; 2 rows width sizeof(T) bytes (the second and third reading of a row comes from the cache). y may be x.
KERNEL softmax(const T* x, T* y, float scale, int width, i64 rows) {
    int lane = threadIdx.x % 32;
    for (i64 row = (i64)blockIdx.x * (BLOCK / 32) + threadIdx.x / 32; row < rows; row += (i64)gridDim.x * (BLOCK / 32)) {
        const T* from = x + row * width;
        float largest = -INFINITY, sum = 0.0f;
        for (int i = lane; i < width; i += 32) largest = fmaxf(largest, to_float(from[i]) * scale);
        for (int by = 16; by > 0; by >>= 1) largest = fmaxf(largest, __shfl_xor_sync(0xFFFFFFFFu, largest, by));
        for (int i = lane; i < width; i += 32) sum += expf(to_float(from[i]) * scale - largest);
        for (int by = 16; by > 0; by >>= 1) sum += __shfl_xor_sync(0xFFFFFFFFu, sum, by);
        for (int i = lane; i < width; i += 32) y[row * width + i] = of_float<T>(expf(to_float(from[i]) * scale - largest) / sum);
    }
}

/// dx = scale y (dy - sum of y dy), from the output. "row"; 3 rows width sizeof(T) bytes. dx may be dy.
KERNEL softmax_gradient(const T* y, const T* dy, T* dx, float scale, int width, i64 rows) {
    int lane = threadIdx.x % 32;
    for (i64 row = (i64)blockIdx.x * (BLOCK / 32) + threadIdx.x / 32; row < rows; row += (i64)gridDim.x * (BLOCK / 32)) {
        const T *ys = y + row * width, *ds = dy + row * width;
        float dot = 0.0f;
        for (int i = lane; i < width; i += 32) dot = fmaf(to_float(ys[i]), to_float(ds[i]), dot);
        for (int by = 16; by > 0; by >>= 1) dot += __shfl_xor_sync(0xFFFFFFFFu, dot, by);
        for (int i = lane; i < width; i += 32) dx[row * width + i] = of_float<T>(scale * to_float(ys[i]) * (to_float(ds[i]) - dot));
    }
}
