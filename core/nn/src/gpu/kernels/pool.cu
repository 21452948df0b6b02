// Pooling over windows that do not overlap, and over whole rows. What does not fill a window is left out. Of equal maxima the first in
// row-major order takes the whole gradient; what is not a number counts as the largest. x is [batch, channels, height, width], or with `last`
// [batch, height, width, channels]. A window has at most 255 places.

/// A number's plane (or batch, if channels lie last), row, column and channel.
struct Spot {
    i64 plane;
    int row, column, channel;
};

__device__ __forceinline__ Spot spot_of(i64 i, int channels, int height, int width, int last) {
    Spot s;
    s.channel = 0;
    if (last) {
        Divided d = divided(i, channels);
        s.channel = d.rest;
        i = d.whole;
    }
    Divided column = divided(i, width), row = divided(column.whole, height);
    s.column = column.rest;
    s.row = row.rest;
    s.plane = row.whole;
    return s;
}

/// Index of a number of maps of height by width.
__device__ __forceinline__ i64 index_of(const Spot& s, int row, int column, int channels, int height, int width, int last) {
    i64 i = (s.plane * height + row) * width + column;
    return last ? i * channels + s.channel : i;
}

/// n = outputs. "each"; reads what lies in windows, writes n (sizeof(T) + 1) bytes.
KERNEL max_pool(const T* x, T* y, u8* argmax, int channels, int height, int width, int window_height, int window_width, int last, i64 n) {
    int out_height = height / window_height, out_width = width / window_width;
    for (i64 i = first_of_each(); i < n; i += stride_of_each()) {
        Spot s = spot_of(i, channels, out_height, out_width, last);
        float best = 0.0f;
        int place = 0;
        for (int k = 0; k < window_height * window_width; k++) {
            int row = k / window_width;
            float v = to_float(x[index_of(s, s.row * window_height + row, s.column * window_width + k - row * window_width, channels, height, width, last)]);
            if (k == 0 || v > best || v != v) {
                best = v;
                place = k;
            }
        }
        y[i] = of_float<T>(best);
        argmax[i] = (u8)place;
    }
}

/// n = inputs: all of dx is written. "each".
KERNEL max_pool_gradient(const u8* argmax, const T* dy, T* dx, int channels, int height, int width, int window_height, int window_width, int last, i64 n) {
    int out_height = height / window_height, out_width = width / window_width;
    for (i64 i = first_of_each(); i < n; i += stride_of_each()) {
        Spot s = spot_of(i, channels, height, width, last);
        int row = s.row / window_height, column = s.column / window_width;
        T d = of_float<T>(0.0f);
        if (row < out_height && column < out_width) {
            i64 from = index_of(s, row, column, channels, out_height, out_width, last);
            if (argmax[from] == (s.row - row * window_height) * window_width + s.column - column * window_width) d = dy[from];
        }
        dx[i] = d;
    }
}

/// Means of windows; n = outputs. "each".
KERNEL avg_pool(const T* x, T* y, int channels, int height, int width, int window_height, int window_width, int last, i64 n) {
    int out_height = height / window_height, out_width = width / window_width;
    float share = 1.0f / (window_height * window_width);
    for (i64 i = first_of_each(); i < n; i += stride_of_each()) {
        Spot s = spot_of(i, channels, out_height, out_width, last);
        float sum = 0.0f;
        for (int row = 0; row < window_height; row++)
            for (int column = 0; column < window_width; column++)
                sum += to_float(x[index_of(s, s.row * window_height + row, s.column * window_width + column, channels, height, width, last)]);
        y[i] = of_float<T>(sum * share);
    }
}

/// n = inputs: all of dx is written. "each".
KERNEL avg_pool_gradient(const T* dy, T* dx, int channels, int height, int width, int window_height, int window_width, int last, i64 n) {
    int out_height = height / window_height, out_width = width / window_width;
    float share = 1.0f / (window_height * window_width);
    for (i64 i = first_of_each(); i < n; i += stride_of_each()) {
        Spot s = spot_of(i, channels, height, width, last);
        int row = s.row / window_height, column = s.column / window_width;
        float d = 0.0f;
        if (row < out_height && column < out_width) d = share * to_float(dy[index_of(s, row, column, channels, out_height, out_width, last)]);
        dx[i] = of_float<T>(d);
    }
}

/// The largest of each row of `width` and where it stands. "row"; reads rows width sizeof(T) bytes.
KERNEL row_max(const T* x, T* y, int* argmax, i64 width, i64 rows) {
    __shared__ float values[BLOCK];
    __shared__ int places[BLOCK];
    for (i64 row = blockIdx.x; row < rows; row += gridDim.x) {
        const T* from = x + row * width;
        float best = -INFINITY;
        int place = -1;
        for (i64 i = threadIdx.x; i < width; i += BLOCK) {
            float v = to_float(from[i]);
            // The first that is not a number wins, and stays.
            if (place < 0 || v > best || (v != v && best == best)) {
                best = v;
                place = (int)i;
            }
        }
        values[threadIdx.x] = best;
        places[threadIdx.x] = place;
        __syncthreads();
        for (int by = BLOCK / 2; by > 0; by >>= 1) {
            if (threadIdx.x < by) {
                float other = values[threadIdx.x + by];
                int at = places[threadIdx.x + by];
                best = values[threadIdx.x];
                place = places[threadIdx.x];
                bool both_nan = best != best && other != other;
                bool wins = at >= 0 && (place < 0 || other > best || (other != other && best == best) || ((other == best || both_nan) && at < place));
                if (wins) {
                    values[threadIdx.x] = other;
                    places[threadIdx.x] = at;
                }
            }
            __syncthreads();
        }
        if (threadIdx.x == 0) {
            y[row] = of_float<T>(values[0]);
            argmax[row] = places[0];
        }
        __syncthreads();
    }
}

/// n = inputs: all of dx is written. "each".
KERNEL row_max_gradient(const int* argmax, const T* dy, T* dx, i64 width, i64 n) {
    for (i64 i = first_of_each(); i < n; i += stride_of_each()) {
        i64 row = quotient(i, width);
        dx[i] = i - row * width == argmax[row] ? dy[row] : of_float<T>(0.0f);
    }
}

/// The mean of each row of `width`. "row".
KERNEL row_mean(const T* x, T* y, i64 width, i64 rows) {
    __shared__ float scratch[32];
    for (i64 row = blockIdx.x; row < rows; row += gridDim.x) {
        float sum = 0.0f;
        for (i64 i = threadIdx.x; i < width; i += BLOCK) sum += to_float(x[row * width + i]);
        sum = block_sum(sum, scratch);
        if (threadIdx.x == 0) y[row] = of_float<T>(sum / (float)width);
    }
}

/// n = inputs: all of dx is written. "each".
KERNEL row_mean_gradient(const T* dy, T* dx, i64 width, i64 n) {
    for (i64 i = first_of_each(); i < n; i += stride_of_each()) dx[i] = of_float<T>(to_float(dy[quotient(i, width)]) / (float)width);
}
