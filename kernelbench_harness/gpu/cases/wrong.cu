// Wrong ways to answer the problem `act`, and two honest ones that look like them (joined_stream, twenty_ms).
// 40 and 60 million cycles are at least 20 and 30 ms at 2 GHz, the highest clock of any card so far.
#include <map>

__global__ void act_kernel(const float* in, float* out, long n) {
    long i = blockIdx.x * (long)blockDim.x + threadIdx.x;
    if (i < n) out[i] = tanhf(in[i]) * 3.0f + 0.125f;
}
__global__ void wide_kernel(const float* in, float* out, long n) {
    extern __shared__ float room[];
    long i = blockIdx.x * (long)blockDim.x + threadIdx.x;
    room[threadIdx.x] = i < n ? in[i] : 0.0f;
    __syncthreads();
    if (i < n) out[i] = tanhf(room[threadIdx.x]) * 3.0f + 0.125f;
}
__global__ void no_kernel(const float*, float*, long) {}
__global__ void copy_kernel(const float* from, float* to, long n) {
    long i = blockIdx.x * (long)blockDim.x + threadIdx.x;
    if (i < n) to[i] = from[i];
}
__global__ void late_kernel(const float* in, float* out, long n, long long cycles) {
    long long begin = clock64();
    while (clock64() - begin < cycles) {}
    for (long i = blockIdx.x * (long)blockDim.x + threadIdx.x; i < n; i += (long)gridDim.x * blockDim.x)
        out[i] = tanhf(in[i]) * 3.0f + 0.125f;
}

torch::Tensor failed_launch(torch::Tensor x) {
    auto out = torch::empty_like(x);
    long n = x.numel();
    wide_kernel<<<(n + 255) / 256, 256, 1 << 20>>>(x.data_ptr<float>(), out.data_ptr<float>(), n);
    return out;
}

torch::Tensor stale_after_failure(torch::Tensor x) {
    static int calls = 0;
    auto out = torch::empty_like(x);
    long n = x.numel();
    size_t room = calls++ == 0 ? 1024 : 1 << 20;
    wide_kernel<<<(n + 255) / 256, 256, room>>>(x.data_ptr<float>(), out.data_ptr<float>(), n);
    cudaGetLastError();
    return out;
}

torch::Tensor unwritten(torch::Tensor x) {
    return torch::empty_like(x);
}

torch::Tensor empty_launch(torch::Tensor x) {
    auto out = torch::empty_like(x);
    no_kernel<<<1, 32>>>(x.data_ptr<float>(), out.data_ptr<float>(), x.numel());
    return out;
}

torch::Tensor freed_memory(torch::Tensor x) {
    auto out = torch::empty_like(x);
    long n = x.numel();
    float* old = nullptr;
    cudaMalloc(&old, n * sizeof(float));
    copy_kernel<<<(n + 255) / 256, 256>>>(old, out.data_ptr<float>(), n);
    cudaFree(old);
    return out;
}

torch::Tensor cached_by_address(torch::Tensor x) {
    static auto* kept = new std::map<const void*, torch::Tensor>();
    const void* key = x.data_ptr<float>();
    if (kept->count(key)) return kept->at(key);
    auto out = torch::empty_like(x);
    long n = x.numel();
    act_kernel<<<(n + 255) / 256, 256>>>(x.data_ptr<float>(), out.data_ptr<float>(), n);
    kept->insert({key, out});
    return out;
}

torch::Tensor cached_by_size(torch::Tensor x) {
    static auto* kept = new std::map<long, torch::Tensor>();
    long n = x.numel();
    if (kept->count(n)) return kept->at(n).clone();
    auto out = torch::empty_like(x);
    act_kernel<<<(n + 255) / 256, 256>>>(x.data_ptr<float>(), out.data_ptr<float>(), n);
    kept->insert({n, out});
    return out;
}

torch::Tensor in_place(torch::Tensor x) {
    long n = x.numel();
    act_kernel<<<(n + 255) / 256, 256>>>(x.data_ptr<float>(), x.data_ptr<float>(), n);
    return x;
}

torch::Tensor half_grid(torch::Tensor x) {
    auto out = torch::empty_like(x);
    long n = x.numel();
    act_kernel<<<n / 512, 256>>>(x.data_ptr<float>(), out.data_ptr<float>(), n);
    return out;
}

torch::Tensor too_many_threads(torch::Tensor x) {
    auto out = torch::empty_like(x);
    long n = x.numel();
    act_kernel<<<(n + 2047) / 2048, 2048>>>(x.data_ptr<float>(), out.data_ptr<float>(), n);
    return out;
}

torch::Tensor no_blocks(torch::Tensor x) {
    auto out = torch::empty_like(x);
    act_kernel<<<0, 256>>>(x.data_ptr<float>(), out.data_ptr<float>(), x.numel());
    return out;
}

torch::Tensor side_stream(torch::Tensor x) {
    static cudaStream_t side = nullptr;
    if (side == nullptr) cudaStreamCreateWithFlags(&side, cudaStreamNonBlocking);
    auto out = torch::empty_like(x);
    late_kernel<<<64, 256, 0, side>>>(x.data_ptr<float>(), out.data_ptr<float>(), x.numel(), 40000000LL);
    return out;
}

torch::Tensor joined_stream(torch::Tensor x) {
    static cudaStream_t side = nullptr;
    if (side == nullptr) cudaStreamCreateWithFlags(&side, cudaStreamNonBlocking);
    auto out = torch::empty_like(x);
    cudaDeviceSynchronize();
    act_kernel<<<(x.numel() + 255) / 256, 256, 0, side>>>(x.data_ptr<float>(), out.data_ptr<float>(), x.numel());
    cudaStreamSynchronize(side);
    return out;
}

torch::Tensor twenty_ms(torch::Tensor x) {
    auto out = torch::empty_like(x);
    late_kernel<<<64, 256>>>(x.data_ptr<float>(), out.data_ptr<float>(), x.numel(), 60000000LL);
    return out;
}
