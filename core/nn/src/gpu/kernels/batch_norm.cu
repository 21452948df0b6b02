// Batch norm, and affine maps of channels. Element (b, c, p) lies at (b channels + c) plane + p, or with `last` at (b plane + p) channels + c.
//
// Training:  moments_partial, moments_finish, normalise (x once more);  backwards norm_gradient_partial, norm_gradient_finish, norm_gradient_apply.
// Evaluation:  moments_running, normalise.
// Sums go over parts in a fixed order: first in each thread, then in the block, then over the parts in double.

/// Count, mean and sum of squared distances from it.
struct Moments {
    float n, mean, squares;
};

/// Of both together (Chan, Golub and LeVeque 1979).
__device__ __forceinline__ Moments together(Moments a, Moments b) {
    float n = a.n + b.n;
    if (b.n == 0.0f) return a;
    if (a.n == 0.0f) return b;
    float apart = b.mean - a.mean, share = b.n / n;
    Moments m = {n, a.mean + apart * share, a.squares + b.squares + apart * apart * a.n * share};
    return m;
}

/// Sums around the first number that comes, so that a mean far from 0 costs no digits.
struct Gathered {
    float shift, sum, squares;

    __device__ __forceinline__ void start() { shift = sum = squares = 0.0f; }
    __device__ __forceinline__ void take(float x, bool is_first) {
        if (is_first) shift = x;
        float d = x - shift;
        sum += d;
        squares = fmaf(d, d, squares);
    }
    __device__ __forceinline__ Moments moments(float n) const {
        Moments m = {n, 0.0f, 0.0f};
        if (n > 0.0f) {
            float d = sum / n;
            m.mean = shift + d;
            m.squares = fmaxf(squares - sum * d, 0.0f);
        }
        return m;
    }
};

/// The numbers of a channel that part `part` of `parts` goes over, if planes lie in one piece: whole planes, or pieces of one.
struct Piece {
    int batch, step;
    i64 start, end;
};
__device__ __forceinline__ Piece piece_of(int part, int parts, int batch, i64 plane) {
    if (parts <= batch) {
        Piece whole = {part, parts, 0, plane};
        return whole;
    }
    int pieces = parts / batch, b = part / pieces;
    i64 length = (plane + pieces - 1) / pieces, start = (part % pieces) * length;
    i64 end = start + length < plane ? start + length : plane;
    Piece piece = {b, batch, start, end};
    return piece;
}

/// Rows that the lines of a block take when channels lie last: lane 0..15 a pack of channels each, line 0..15 a row each.
#define LANES 16
#define LINES 16

/// Calls `take(index)` of `work` for the numbers of one pack of channels.
template <int V, class W> __device__ __forceinline__ void each_row(i64 rows, int channels, int first_channel, int part, int parts, W& work) {
    int line = threadIdx.x / LANES;
    for (i64 row = (i64)part * LINES + line; row < rows; row += (i64)parts * LINES) work.take(row * channels + first_channel);
}

/// V numbers at `p`, which is a multiple of 16 bytes if V is VECTOR.
template <int V> __device__ __forceinline__ void read(const T* p, float* to) {
    if (V == VECTOR) {
        Pack pack = *(const Pack*)p;
#pragma unroll
        for (int k = 0; k < V; k++) to[k] = to_float(pack.v[k]);
    } else {
#pragma unroll
        for (int k = 0; k < V; k++) to[k] = to_float(p[k]);
    }
}
template <int V> __device__ __forceinline__ void write(T* p, const float* from) {
    if (V == VECTOR) {
        Pack pack;
#pragma unroll
        for (int k = 0; k < V; k++) pack.v[k] = of_float<T>(from[k]);
        *(Pack*)p = pack;
    } else {
#pragma unroll
        for (int k = 0; k < V; k++) p[k] = of_float<T>(from[k]);
    }
}

template <int V> struct MomentsOfRows {
    const T* x;
    Gathered sums[V];
    float n;
    __device__ __forceinline__ void take(i64 at) {
        float v[V];
        read<V>(x + at, v);
#pragma unroll
        for (int k = 0; k < V; k++) sums[k].take(v[k], n == 0.0f);
        n += 1.0f;
    }
};

/// `means` and `squares`: LINES x LANES x VECTOR, `counts`: LINES.
template <int V> __device__ __forceinline__ void moments_of_last(const T* x, float* partial, i64 rows, int channels, int parts, float* means, float* squares, float* counts) {
    int lane = threadIdx.x % LANES, line = threadIdx.x / LANES, part = blockIdx.y;
    for (int start = blockIdx.x * LANES * V; start < channels; start += gridDim.x * LANES * V) {
        MomentsOfRows<V> work;
        work.x = x;
        work.n = 0.0f;
#pragma unroll
        for (int k = 0; k < V; k++) work.sums[k].start();
        int first = start + lane * V;
        if (first < channels) each_row<V>(rows, channels, first, part, parts, work);
        if (lane == 0) counts[line] = work.n;
#pragma unroll
        for (int k = 0; k < V; k++) {
            Moments m = work.sums[k].moments(work.n);
            means[line * LANES * V + lane * V + k] = m.mean;
            squares[line * LANES * V + lane * V + k] = m.squares;
        }
        __syncthreads();
        for (int i = threadIdx.x; i < LANES * V && start + i < channels; i += BLOCK) {
            Moments total = {0.0f, 0.0f, 0.0f};
            for (int l = 0; l < LINES; l++) {
                Moments m = {counts[l], means[l * LANES * V + i], squares[l * LANES * V + i]};
                total = together(total, m);
            }
            float* to = partial + ((i64)(start + i) * parts + part) * 3;
            to[0] = total.n;
            to[1] = total.mean;
            to[2] = total.squares;
        }
        __syncthreads();
    }
}

/// partial[(c parts + part) 3 ..] = count, mean, squared distances of a part of channel c. Grid: y = parts; x any number, best `channels`, or with
/// `last` channels / (16 VECTOR) rounded up. Reads x once: batch channels plane sizeof(T) bytes.
KERNEL moments_partial(const T* x, float* partial, int batch, int channels, i64 plane, int parts, int last) {
    __shared__ float means[LINES * LANES * VECTOR], squares[LINES * LANES * VECTOR], counts[LINES];
    int part = blockIdx.y;
    if (last) {
        if (channels % VECTOR == 0 && is_aligned(x)) moments_of_last<VECTOR>(x, partial, batch * plane, channels, parts, means, squares, counts);
        else moments_of_last<1>(x, partial, batch * plane, channels, parts, means, squares, counts);
        return;
    }
    Piece piece = piece_of(part, parts, batch, plane);
    for (int c = blockIdx.x; c < channels; c += gridDim.x) {
        Gathered sums;
        sums.start();
        float n = 0.0f;
        for (int b = piece.batch; b < batch; b += piece.step) {
            const T* from = x + ((i64)b * channels + c) * plane;
            for (i64 p = piece.start + threadIdx.x; p < piece.end; p += BLOCK) {
                sums.take(to_float(from[p]), n == 0.0f);
                n += 1.0f;
            }
        }
        Moments m = sums.moments(n);
        for (int by = 16; by > 0; by >>= 1) {
            Moments other = {__shfl_down_sync(0xFFFFFFFFu, m.n, by), __shfl_down_sync(0xFFFFFFFFu, m.mean, by), __shfl_down_sync(0xFFFFFFFFu, m.squares, by)};
            m = together(m, other);
        }
        if (threadIdx.x % 32 == 0) {
            counts[threadIdx.x / 32] = m.n;
            means[threadIdx.x / 32] = m.mean;
            squares[threadIdx.x / 32] = m.squares;
        }
        __syncthreads();
        if (threadIdx.x == 0) {
            for (int warp = 1; warp < BLOCK / 32; warp++) {
                Moments other = {counts[warp], means[warp], squares[warp]};
                m = together(m, other);
            }
            float* to = partial + ((i64)c * parts + part) * 3;
            to[0] = m.n;
            to[1] = m.mean;
            to[2] = m.squares;
        }
        __syncthreads();
    }
}

/// What a norm does to a channel, from its statistics: x scale + shift, each rounded once.
__device__ __forceinline__ void affine(double mean, double variance, float weight, float bias, float epsilon, float* inverse, float* scale, float* shift) {
    double i = 1.0 / sqrt(variance + (double)epsilon), s = (double)weight * i;
    *inverse = (float)i;
    *scale = (float)s;
    *shift = (float)((double)bias - mean * s);
}

/// The statistics of a batch from those of its parts. running_mean and running_variance (both may be null) move towards them, the latter to the
/// unbiased variance. "each" over channels; reads 12 channels parts bytes.
KERNEL moments_finish(const float* partial, const float* weight, const float* bias, float* mean, float* inverse, float* scale, float* shift, float* running_mean, float* running_variance, float momentum, float epsilon, int channels, int parts) {
    for (i64 c = first_of_each(); c < channels; c += stride_of_each()) {
        double n = 0.0, m = 0.0, squares = 0.0;
        for (int part = 0; part < parts; part++) {
            const float* from = partial + (c * parts + part) * 3;
            double count = from[0];
            if (count == 0.0) continue;
            double apart = from[1] - m, total = n + count;
            m += apart * (count / total);
            squares += from[2] + apart * apart * n * (count / total);
            n = total;
        }
        double variance = squares / n;
        mean[c] = (float)m;
        affine(m, variance, weight[c], bias[c], epsilon, inverse + c, scale + c, shift + c);
        if (running_mean) {
            running_mean[c] = (1.0f - momentum) * running_mean[c] + momentum * (float)m;
            running_variance[c] = (1.0f - momentum) * running_variance[c] + momentum * (float)(squares / (n - 1.0));
        }
    }
}

/// The same from running statistics, which stay as they are. "each" over channels.
KERNEL moments_running(const float* running_mean, const float* running_variance, const float* weight, const float* bias, float* mean, float* inverse, float* scale, float* shift, float epsilon, int channels) {
    for (i64 c = first_of_each(); c < channels; c += stride_of_each()) {
        mean[c] = running_mean[c];
        affine(running_mean[c], running_variance[c], weight[c], bias[c], epsilon, inverse + c, scale + c, shift + c);
    }
}

/// The channel of number i.
__device__ __forceinline__ int channel_of(i64 i, int channels, i64 plane, int last) {
    return divided(last ? i : quotient(i, plane), channels).rest;
}

/// Calls `work.run<V>(first index, first channel, step of the channel)` for all n numbers, in packs where these do not leave a channel's row.
template <class W> __device__ __forceinline__ void each_of_channels(int channels, i64 plane, int last, i64 n, bool aligned, const W& work) {
    if (aligned && (last ? channels % VECTOR == 0 : plane % VECTOR == 0)) {
        for (i64 i = first_of_each() * VECTOR; i < n; i += stride_of_each() * VECTOR) work.template run<VECTOR>(i, channel_of(i, channels, plane, last), last ? 1 : 0);
        return;
    }
    for (i64 i = first_of_each(); i < n; i += stride_of_each()) work.template run<1>(i, channel_of(i, channels, plane, last), 0);
}

struct Normalise {
    const T* x;
    const float *scale, *shift;
    T* y;
    int relu;
    template <int V> __device__ __forceinline__ void run(i64 i, int c, int step) const {
        float v[V];
        read<V>(x + i, v);
#pragma unroll
        for (int k = 0; k < V; k++) {
            v[k] = fmaf(v[k], scale[c + k * step], shift[c + k * step]);
            if (relu && v[k] < 0.0f) v[k] = 0.0f;
        }
        write<V>(y + i, v);
    }
};

/// y = x scale + shift by channel, then (with `relu`) nothing below 0. "each"; 2 n sizeof(T) bytes. y may be x.
KERNEL normalise(const T* x, const float* scale, const float* shift, T* y, int channels, i64 plane, int last, int relu, i64 n) {
    Normalise work = {x, scale, shift, y, relu};
    each_of_channels(channels, plane, last, n, is_aligned(x) && is_aligned(y), work);
}

template <int V> struct GradientOfRows {
    const T *x, *y, *dy;
    float mean[V], inverse[V], bias[V], weight[V];
    __device__ __forceinline__ void take(i64 at) {
        float xs[V], ys[V], ds[V];
        read<V>(x + at, xs);
        read<V>(dy + at, ds);
        if (y) read<V>(y + at, ys);
#pragma unroll
        for (int k = 0; k < V; k++) {
            float d = y && !(ys[k] > 0.0f) ? 0.0f : ds[k];
            bias[k] += d;
            weight[k] = fmaf(d, (xs[k] - mean[k]) * inverse[k], weight[k]);
        }
    }
};

template <int V> __device__ __forceinline__ void gradient_of_last(const T* x, const T* y, const T* dy, const float* mean, const float* inverse, float* partial, i64 rows, int channels, int parts, float* biases, float* weights) {
    int lane = threadIdx.x % LANES, line = threadIdx.x / LANES, part = blockIdx.y;
    for (int start = blockIdx.x * LANES * V; start < channels; start += gridDim.x * LANES * V) {
        GradientOfRows<V> work;
        work.x = x;
        work.y = y;
        work.dy = dy;
        int first = start + lane * V;
#pragma unroll
        for (int k = 0; k < V; k++) {
            work.mean[k] = first < channels ? mean[first + k] : 0.0f;
            work.inverse[k] = first < channels ? inverse[first + k] : 0.0f;
            work.bias[k] = work.weight[k] = 0.0f;
        }
        if (first < channels) each_row<V>(rows, channels, first, part, parts, work);
#pragma unroll
        for (int k = 0; k < V; k++) {
            biases[line * LANES * V + lane * V + k] = work.bias[k];
            weights[line * LANES * V + lane * V + k] = work.weight[k];
        }
        __syncthreads();
        for (int i = threadIdx.x; i < LANES * V && start + i < channels; i += BLOCK) {
            float bias = 0.0f, weight = 0.0f;
            for (int l = 0; l < LINES; l++) {
                bias += biases[l * LANES * V + i];
                weight += weights[l * LANES * V + i];
            }
            float* to = partial + ((i64)(start + i) * parts + part) * 2;
            to[0] = bias;
            to[1] = weight;
        }
        __syncthreads();
    }
}

/// partial[(c parts + part) 2 ..] = sum of dy, sum of dy times the normalised x, over a part of channel c. If y is not null there is a ReLU behind
/// the norm, whose output it is: dy counts where y > 0. Grid as of moments_partial. Reads x, dy and y: 2 or 3 times batch channels plane sizeof(T).
KERNEL norm_gradient_partial(const T* x, const T* y, const T* dy, const float* mean, const float* inverse, float* partial, int batch, int channels, i64 plane, int parts, int last) {
    __shared__ float biases[LINES * LANES * VECTOR], weights[LINES * LANES * VECTOR];
    int part = blockIdx.y;
    if (last) {
        if (channels % VECTOR == 0 && is_aligned(x) && is_aligned(y) && is_aligned(dy)) gradient_of_last<VECTOR>(x, y, dy, mean, inverse, partial, batch * plane, channels, parts, biases, weights);
        else gradient_of_last<1>(x, y, dy, mean, inverse, partial, batch * plane, channels, parts, biases, weights);
        return;
    }
    Piece piece = piece_of(part, parts, batch, plane);
    for (int c = blockIdx.x; c < channels; c += gridDim.x) {
        GradientOfRows<1> work;
        work.x = x;
        work.y = y;
        work.dy = dy;
        work.mean[0] = mean[c];
        work.inverse[0] = inverse[c];
        work.bias[0] = work.weight[0] = 0.0f;
        for (int b = piece.batch; b < batch; b += piece.step) {
            i64 from = ((i64)b * channels + c) * plane;
            for (i64 p = piece.start + threadIdx.x; p < piece.end; p += BLOCK) work.take(from + p);
        }
        float bias = block_sum(work.bias[0], biases), weight = block_sum(work.weight[0], weights);
        if (threadIdx.x == 0) {
            float* to = partial + ((i64)c * parts + part) * 2;
            to[0] = bias;
            to[1] = weight;
        }
    }
}

/// The gradients of weight and bias, and the coefficients by which dx = a dy + b x + c. With `running` the statistics do not depend on x, and
/// b = c = 0. `count`: numbers per channel. "each" over channels.
KERNEL norm_gradient_finish(const float* partial, const float* weight, const float* mean, const float* inverse, float* dweight, float* dbias, float* a, float* b, float* c, float count, int channels, int parts, int running) {
    for (i64 i = first_of_each(); i < channels; i += stride_of_each()) {
        double bias = 0.0, slope = 0.0;
        for (int part = 0; part < parts; part++) {
            bias += partial[(i * parts + part) * 2];
            slope += partial[(i * parts + part) * 2 + 1];
        }
        dbias[i] = (float)bias;
        dweight[i] = (float)slope;
        double scale = (double)weight[i] * inverse[i], by_x = running ? 0.0 : -scale * inverse[i] * slope / count;
        a[i] = (float)scale;
        b[i] = (float)by_x;
        c[i] = running ? 0.0f : (float)(-scale * bias / count - by_x * mean[i]);
    }
}

struct NormGradient {
    const T *x, *y, *dy;
    const float *a, *b, *c;
    T* dx;
    template <int V> __device__ __forceinline__ void run(i64 i, int channel, int step) const {
        float xs[V], ys[V], ds[V];
        read<V>(x + i, xs);
        read<V>(dy + i, ds);
        if (y) read<V>(y + i, ys);
#pragma unroll
        for (int k = 0; k < V; k++) {
            int at = channel + k * step;
            float d = y && !(ys[k] > 0.0f) ? 0.0f : ds[k];
            ds[k] = fmaf(a[at], d, fmaf(b[at], xs[k], c[at]));
        }
        write<V>(dx + i, ds);
    }
};

/// dx = a dy + b x + c by channel, dy only where y > 0 if y is not null. "each"; reads 2 or 3 times and writes once n sizeof(T). dx may be dy.
KERNEL norm_gradient_apply(const T* x, const T* y, const T* dy, const float* a, const float* b, const float* c, T* dx, int channels, i64 plane, int last, i64 n) {
    NormGradient work = {x, y, dy, a, b, c, dx};
    each_of_channels(channels, plane, last, n, is_aligned(x) && is_aligned(y) && is_aligned(dy) && is_aligned(dx), work);
}
