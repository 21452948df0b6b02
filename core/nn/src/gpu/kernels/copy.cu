// Moving numbers about.

/// y[sum of i_k y_k] = x[sum of i_k x_k] for i = (i0, .., i4) of sizes (., n1, n2, n3, n4), row-major: permutations, parts, joining, padding.
/// "each"; 2 n sizeof(T) bytes, more where one side jumps.
KERNEL strided_copy(const T* x, T* y, int n1, int n2, int n3, int n4, i64 x0, i64 x1, i64 x2, i64 x3, i64 x4, i64 y0, i64 y1, i64 y2, i64 y3, i64 y4, i64 n) {
    for (i64 i = first_of_each(); i < n; i += stride_of_each()) {
        Divided d4 = divided(i, n4), d3 = divided(d4.whole, n3), d2 = divided(d3.whole, n2), d1 = divided(d2.whole, n1);
        i64 from = d1.whole * x0 + d1.rest * x1 + d2.rest * x2 + d3.rest * x3 + d4.rest * x4;
        i64 to = d1.whole * y0 + d1.rest * y1 + d2.rest * y2 + d3.rest * y3 + d4.rest * y4;
        y[to] = x[from];
    }
}

/// Batches of transposes, [batch, rows, columns] to [batch, columns, rows]: NCHW to NHWC with rows = channels, back with columns = channels.
/// Tiles of 32 by 32 through shared memory, so that both sides are read and written in order. Grid: x tiles of columns times tiles of rows (any
/// number of blocks walks over them), y over the batch (likewise). 2 batch rows columns sizeof(T) bytes.
KERNEL transpose_planes(const T* x, T* y, i64 batch, i64 rows, i64 columns) {
    // A column more than needed, so that the threads of a warp hit different banks.
    __shared__ T tile[32][33];
    i64 across = (columns + 31) / 32, tiles = across * ((rows + 31) / 32);
    int lane = threadIdx.x % 32, line = threadIdx.x / 32;
    for (i64 b = blockIdx.y; b < batch; b += gridDim.y) {
        const T* from = x + b * rows * columns;
        T* to = y + b * rows * columns;
        for (i64 t = blockIdx.x; t < tiles; t += gridDim.x) {
            i64 down = quotient(t, across), row = down * 32, column = (t - down * across) * 32;
            for (int i = line; i < 32; i += BLOCK / 32)
                if (row + i < rows && column + lane < columns) tile[i][lane] = from[(row + i) * columns + column + lane];
            __syncthreads();
            for (int i = line; i < 32; i += BLOCK / 32)
                if (column + i < columns && row + lane < rows) to[(column + i) * rows + row + lane] = tile[lane][i];
            __syncthreads();
        }
    }
}
