// Products of matrices in float32, in half precision and in TF32.
#include <cuda_fp16.h>
#include <mma.h>

__global__ void plain_kernel(const float* a, const float* b, float* c, int n, int k, int m) {
    __shared__ float left[16][16], right[16][16];
    int row = blockIdx.y * 16 + threadIdx.y, col = blockIdx.x * 16 + threadIdx.x;
    float sum = 0.0f;
    for (int q = 0; q < k; q += 16) {
        left[threadIdx.y][threadIdx.x] = a[row * k + q + threadIdx.x];
        right[threadIdx.y][threadIdx.x] = b[(q + threadIdx.y) * m + col];
        __syncthreads();
        for (int i = 0; i < 16; ++i) sum += left[threadIdx.y][i] * right[i][threadIdx.x];
        __syncthreads();
    }
    c[row * m + col] = sum;
}
__global__ void half_kernel(const float* a, const float* b, float* c, int n, int k, int m) {
    int row = blockIdx.y * 16 + threadIdx.y, col = blockIdx.x * 16 + threadIdx.x;
    float sum = 0.0f;
    for (int q = 0; q < k; ++q) sum += __half2float(__hmul(__float2half(a[row * k + q]), __float2half(b[q * m + col])));
    c[row * m + col] = sum;
}
__global__ void tf32_kernel(const float* a, const float* b, float* c, int n, int k, int m) {
    using nvcuda::wmma::precision::tf32;
    using nvcuda::wmma::row_major;
    nvcuda::wmma::fragment<nvcuda::wmma::matrix_a, 16, 16, 8, tf32, row_major> left;
    nvcuda::wmma::fragment<nvcuda::wmma::matrix_b, 16, 16, 8, tf32, row_major> right;
    nvcuda::wmma::fragment<nvcuda::wmma::accumulator, 16, 16, 8, float> sum;
    nvcuda::wmma::fill_fragment(sum, 0.0f);
    for (int q = 0; q < k; q += 8) {
        nvcuda::wmma::load_matrix_sync(left, a + blockIdx.y * 16 * k + q, k);
        nvcuda::wmma::load_matrix_sync(right, b + q * m + blockIdx.x * 16, m);
        for (int i = 0; i < left.num_elements; ++i) left.x[i] = nvcuda::wmma::__float_to_tf32(left.x[i]);
        for (int i = 0; i < right.num_elements; ++i) right.x[i] = nvcuda::wmma::__float_to_tf32(right.x[i]);
        nvcuda::wmma::mma_sync(sum, left, right, sum);
    }
    nvcuda::wmma::store_matrix_sync(c + blockIdx.y * 16 * m + blockIdx.x * 16, sum, m, nvcuda::wmma::mem_row_major);
}

torch::Tensor product(torch::Tensor a, torch::Tensor b) {
    int n = a.size(0), k = a.size(1), m = b.size(1);
    auto c = torch::empty({n, m}, a.options());
    plain_kernel<<<dim3(m / 16, n / 16), dim3(16, 16)>>>(
        a.data_ptr<float>(), b.data_ptr<float>(), c.data_ptr<float>(), n, k, m);
    return c;
}

torch::Tensor product_in_half(torch::Tensor a, torch::Tensor b) {
    int n = a.size(0), k = a.size(1), m = b.size(1);
    auto c = torch::empty({n, m}, a.options());
    half_kernel<<<dim3(m / 16, n / 16), dim3(16, 16)>>>(
        a.data_ptr<float>(), b.data_ptr<float>(), c.data_ptr<float>(), n, k, m);
    return c;
}

torch::Tensor product_in_tf32(torch::Tensor a, torch::Tensor b) {
    int n = a.size(0), k = a.size(1), m = b.size(1);
    auto c = torch::empty({n, m}, a.options());
    tf32_kernel<<<dim3(m / 16, n / 16), 32>>>(
        a.data_ptr<float>(), b.data_ptr<float>(), c.data_ptr<float>(), n, k, m);
    return c;
}
