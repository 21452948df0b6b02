// The class token and the positions in front of a transformer.

/// y[b, 0] = class + position 0, y[b, 1 + t] = x[b, t] + position 1 + t; n = numbers of y, [batch, 1 + tokens, width]. "each".
KERNEL class_and_positions(const T* x, const float* class_token, const float* positions, T* y, int tokens, int width, i64 n) {
    for (i64 i = first_of_each(); i < n; i += stride_of_each()) {
        Divided column = divided(i, width), place = divided(column.whole, tokens + 1);
        int j = column.rest, t = place.rest;
        float v = t == 0 ? class_token[j] : to_float(x[(place.whole * tokens + t - 1) * width + j]);
        y[i] = of_float<T>(v + positions[(i64)t * width + j]);
    }
}

/// dpositions [places, width]: sums of dy [batch, 1 + tokens, width] over the batch, 0 at places that are not used. The first row is also the class
/// token's gradient. "each" over places width.
KERNEL positions_gradient(const T* dy, float* dpositions, int batch, int tokens, int width, i64 places) {
    i64 used = (i64)(tokens + 1) * width;
    for (i64 i = first_of_each(); i < places * width; i += stride_of_each()) {
        float sum = 0.0f;
        if (i < used)
            for (int b = 0; b < batch; b++) sum += to_float(dy[b * used + i]);
        dpositions[i] = sum;
    }
}
