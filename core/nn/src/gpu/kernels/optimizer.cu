// Optimizers: float master weights, one pass over everything, numbers as in adam.rs and sgd.rs. "each".

/// One number of Adam or AdamW (whose decay is in `keep`).
struct Adam {
    float share_1, beta_2, share_2, epsilon, weight_decay, keep, step, correction;
    __device__ __forceinline__ float next(float value, float gradient, float& mean, float& square) const {
        gradient += weight_decay * value;
        mean += share_1 * (gradient - mean);
        square = beta_2 * square + share_2 * gradient * gradient;
        return keep * value - step * mean / (sqrtf(square) * correction + epsilon);
    }
};

/// 28 n bytes.
KERNEL adam(float* value, const float* gradient, float* mean, float* square, float share_1, float beta_2, float share_2, float epsilon, float weight_decay, float keep, float step, float correction, i64 n) {
    Adam rule = {share_1, beta_2, share_2, epsilon, weight_decay, keep, step, correction};
    for (i64 i = first_of_each(); i < n; i += stride_of_each()) value[i] = rule.next(value[i], gradient[i], mean[i], square[i]);
}

/// Gradient descent; without momentum if `velocity` is null. 20 n bytes, or 12 n.
KERNEL sgd(float* value, const float* gradient, float* velocity, float momentum, float weight_decay, float learning_rate, int nesterov, i64 n) {
    for (i64 i = first_of_each(); i < n; i += stride_of_each()) {
        float g = gradient[i] + weight_decay * value[i];
        if (velocity) {
            float v = momentum * velocity[i] + g;
            velocity[i] = v;
            g = nesterov ? g + momentum * v : v;
        }
        value[i] -= learning_rate * g;
    }
}
