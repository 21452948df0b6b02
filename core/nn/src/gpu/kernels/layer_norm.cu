// Layer norm: rows of `width` numbers. A warp takes a row, so a block eight at once; any number of blocks may be launched.

__device__ __forceinline__ float warp_sum(float x) {
    for (int by = 16; by > 0; by >>= 1) x += __shfl_xor_sync(0xFFFFFFFFu, x, by);
    return x;
}

/// "row"; reads and writes rows width sizeof(T) bytes (the second and third reading of a row comes from the cache). mean and inverse: [rows].
KERNEL layer_norm(const T* x, const float* weight, const float* bias, T* y, float* mean, float* inverse, float epsilon, int width, i64 rows) {
    int lane = threadIdx.x % 32;
    for (i64 row = (i64)blockIdx.x * (BLOCK / 32) + threadIdx.x / 32; row < rows; row += (i64)gridDim.x * (BLOCK / 32)) {
        const T* from = x + row * width;
        float sum = 0.0f, squares = 0.0f;
        for (int i = lane; i < width; i += 32) sum += to_float(from[i]);
        float m = warp_sum(sum) / width;
        for (int i = lane; i < width; i += 32) {
            float d = to_float(from[i]) - m;
            squares = fmaf(d, d, squares);
        }
        float r = 1.0f / sqrtf(warp_sum(squares) / width + epsilon);
        for (int i = lane; i < width; i += 32) y[row * width + i] = of_float<T>((to_float(from[i]) - m) * r * weight[i] + bias[i]);
        if (lane == 0) {
            mean[row] = m;
            inverse[row] = r;
        }
    }
}

/// Gradient for x. "row"; 3 rows width sizeof(T) bytes.
KERNEL layer_norm_gradient(const T* x, const float* weight, const float* mean, const float* inverse, const T* dy, T* dx, int width, i64 rows) {
    int lane = threadIdx.x % 32;
    for (i64 row = (i64)blockIdx.x * (BLOCK / 32) + threadIdx.x / 32; row < rows; row += (i64)gridDim.x * (BLOCK / 32)) {
        const T *xs = x + row * width, *ds = dy + row * width;
        float m = mean[row], r = inverse[row], sum = 0.0f, dot = 0.0f;
        for (int i = lane; i < width; i += 32) {
            float d = to_float(ds[i]) * weight[i];
            sum += d;
            dot = fmaf(d, (to_float(xs[i]) - m) * r, dot);
        }
        sum = warp_sum(sum) / width;
        dot = warp_sum(dot) / width;
        for (int i = lane; i < width; i += 32) {
            float normal = (to_float(xs[i]) - m) * r;
            dx[row * width + i] = of_float<T>(r * (to_float(ds[i]) * weight[i] - sum - normal * dot));
        }
    }
}

/// Gradients for weight and bias in parts: partial[part 2 width + j] = sum of dy times the normalised x, partial[part 2 width + width + j] = sum of dy.
/// Grid (ceil(width / 256), parts); 2 rows width sizeof(T) bytes. Finish by column_finish with twice the width.
KERNEL layer_norm_partial(const T* x, const float* mean, const float* inverse, const T* dy, float* partial, int width, int parts, i64 rows) {
    for (i64 j = first_of_each(); j < width; j += stride_of_each()) {
        float weight = 0.0f, bias = 0.0f;
        for (i64 row = blockIdx.y; row < rows; row += parts) {
            float d = to_float(dy[row * width + j]);
            bias += d;
            weight = fmaf(d, (to_float(x[row * width + j]) - mean[row]) * inverse[row], weight);
        }
        partial[(i64)blockIdx.y * 2 * width + j] = weight;
        partial[(i64)blockIdx.y * 2 * width + width + j] = bias;
    }
}
