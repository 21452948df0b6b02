// The gates of a recurrent layer at one time, as in gru.rs: reset, update, new, in this order. The matrix products around them are cuBLAS's.

/// of_input [batch, times, 3 hidden] (with its bias), of_state [batch, 3 hidden] (the product alone; the bias is added here), before [batch, hidden]:
/// the state, replaced by the new one; h [batch, times, hidden] gets it too; gates [batch, times, 4, hidden]: reset, update, new, and what the state
/// gives the new gate before it is reset. "each" over batch hidden.
KERNEL gru_step(const T* of_input, const T* of_state, const float* state_bias, T* before, T* h, T* gates, int batch, int times, int hidden, int time) {
    i64 all = (i64)batch * hidden;
    for (i64 j = first_of_each(); j < all; j += stride_of_each()) {
        Divided d = divided(j, hidden);
        i64 row = d.whole * times + time;
        int i = d.rest;
        const T *a = of_input + row * 3 * hidden, *b = of_state + d.whole * 3 * hidden;
        float reset = logistic(to_float(a[i]) + to_float(b[i]) + state_bias[i]);
        float update = logistic(to_float(a[hidden + i]) + to_float(b[hidden + i]) + state_bias[hidden + i]);
        float from_state = to_float(b[2 * hidden + i]) + state_bias[2 * hidden + i];
        float fresh = tanhf(to_float(a[2 * hidden + i]) + reset * from_state);
        T state = of_float<T>((1.0f - update) * fresh + update * to_float(before[j]));
        before[j] = state;
        h[row * hidden + i] = state;
        T* g = gates + row * 4 * hidden;
        g[i] = of_float<T>(reset);
        g[hidden + i] = of_float<T>(update);
        g[2 * hidden + i] = of_float<T>(fresh);
        g[3 * hidden + i] = of_float<T>(from_state);
    }
}

/// Back through one time. carried [batch, hidden]: the state's gradient from later times, replaced by what goes on through the update gate (the product
/// of of_state at this time with the state's weights must be added to it before the next step). of_input, of_state [batch, times, 3 hidden]: gradients
/// of the gates before their functions, as the input sees them and as the state does; before [batch, times, hidden]: the states that this time started
/// from. time_before: the time that was read before this one, -1 if none. "each" over batch hidden.
KERNEL gru_step_gradient(const T* dy, const T* gates, const T* h, T* carried, T* of_input, T* of_state, T* before, int batch, int times, int hidden, int time, int time_before) {
    i64 all = (i64)batch * hidden;
    for (i64 j = first_of_each(); j < all; j += stride_of_each()) {
        Divided d = divided(j, hidden);
        i64 row = d.whole * times + time;
        int i = d.rest;
        T start = time_before < 0 ? of_float<T>(0.0f) : h[(d.whole * times + time_before) * hidden + i];
        before[row * hidden + i] = start;
        const T* g = gates + row * 4 * hidden;
        float reset = to_float(g[i]), update = to_float(g[hidden + i]), fresh = to_float(g[2 * hidden + i]), from_state = to_float(g[3 * hidden + i]);
        float dh = to_float(dy[row * hidden + i]) + to_float(carried[j]);
        float dfresh = dh * (1.0f - update) * (1.0f - fresh * fresh);
        float dupdate = dh * (to_float(start) - fresh) * update * (1.0f - update);
        float dreset = dfresh * from_state * reset * (1.0f - reset);
        carried[j] = of_float<T>(dh * update);
        T *a = of_input + row * 3 * hidden, *b = of_state + row * 3 * hidden;
        a[i] = b[i] = of_float<T>(dreset);
        a[hidden + i] = b[hidden + i] = of_float<T>(dupdate);
        a[2 * hidden + i] = of_float<T>(dfresh);
        b[2 * hidden + i] = of_float<T>(dfresh * reset);
    }
}
