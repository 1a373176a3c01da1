// Row sums: with barriers, without them, and with more dynamic shared memory than a kernel has unasked.
__global__ void sum_kernel(const float* in, float* out, int width) {
    __shared__ float part[256];
    float sum = 0.0f;
    for (int j = threadIdx.x; j < width; j += 256) sum += in[(long)blockIdx.x * width + j];
    part[threadIdx.x] = sum;
    __syncthreads();
    for (int step = 128; step > 0; step /= 2) {
        if (threadIdx.x < step) part[threadIdx.x] += part[threadIdx.x + step];
        __syncthreads();
    }
    if (threadIdx.x == 0) out[blockIdx.x] = part[0];
}
__global__ void race_kernel(const float* in, float* out, int width) {
    __shared__ float part[256];
    float sum = 0.0f;
    long long begin = clock64();
    while (clock64() - begin < (long long)(threadIdx.x / 32) * 20000) {}
    for (int j = threadIdx.x; j < width; j += 256) sum += in[(long)blockIdx.x * width + j];
    part[threadIdx.x] = sum;
    if (threadIdx.x == 0) {
        float all = 0.0f;
        for (int j = 0; j < 256; ++j) all += part[j];
        out[blockIdx.x] = all;
    }
}
__global__ void dynamic_kernel(const float* in, float* out, int width) {
    extern __shared__ float row[];
    for (int j = threadIdx.x; j < width; j += blockDim.x) row[j] = in[(long)blockIdx.x * width + j];
    __syncthreads();
    float sum = 0.0f;
    for (int j = threadIdx.x; j < width; j += 32) sum += row[j];
    for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
    if (threadIdx.x == 0) out[blockIdx.x] = sum;
}

torch::Tensor row_sums(torch::Tensor x) {
    auto out = torch::empty({x.size(0)}, x.options());
    sum_kernel<<<x.size(0), 256>>>(x.data_ptr<float>(), out.data_ptr<float>(), x.size(1));
    return out;
}

torch::Tensor row_sums_in_a_race(torch::Tensor x) {
    auto out = torch::empty({x.size(0)}, x.options());
    race_kernel<<<x.size(0), 256>>>(x.data_ptr<float>(), out.data_ptr<float>(), x.size(1));
    return out;
}

torch::Tensor row_sums_in_dynamic_memory(torch::Tensor x) {
    auto out = torch::empty({x.size(0)}, x.options());
    int bytes = x.size(1) * 4;
    cudaFuncSetAttribute(dynamic_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 64 << 10);
    dynamic_kernel<<<x.size(0), 32, bytes + (48 << 10) - 256>>>(x.data_ptr<float>(), out.data_ptr<float>(), x.size(1));
    return out;
}
