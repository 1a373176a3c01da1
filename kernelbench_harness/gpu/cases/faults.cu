// Ways to die, each of which leaves the context dead or the process gone.
#include <cassert>
#include <cstdio>
#include <cstdlib>

__global__ void act_kernel(const float* in, float* out, long n) {
    long i = blockIdx.x * (long)blockDim.x + threadIdx.x;
    if (i < n) out[i] = tanhf(in[i]) * 3.0f + 0.125f;
}
__global__ void loop_kernel(volatile float* out) {
    out[0] = 1.0f;
    while (out[0] == 1.0f) {}
}
__global__ void assert_kernel(const float* in) { assert(in[threadIdx.x] > 1e30f); }
__global__ void trap_kernel() { __trap(); }
__global__ void far_kernel(float* out) { out[1LL << 42] = 1.0f; }
__global__ void late_far_kernel(float* out, long long cycles) {
    long long begin = clock64();
    while (clock64() - begin < cycles) {}
    out[1LL << 42] = 1.0f;
}
__global__ void odd_kernel(float* out) { *reinterpret_cast<double*>(reinterpret_cast<char*>(out) + 1) = 1.0; }
__global__ void talk_kernel() {
    printf("block %d thread %d says nothing of interest at all\n", blockIdx.x, threadIdx.x);
}

static torch::Tensor right_answer(torch::Tensor x) {
    auto out = torch::empty_like(x);
    act_kernel<<<(x.numel() + 255) / 256, 256>>>(x.data_ptr<float>(), out.data_ptr<float>(), x.numel());
    return out;
}

torch::Tensor endless(torch::Tensor x) {
    auto out = torch::empty_like(x);
    loop_kernel<<<1, 1>>>(out.data_ptr<float>());
    return out;
}

torch::Tensor device_assert(torch::Tensor x) {
    assert_kernel<<<1, 32>>>(x.data_ptr<float>());
    return right_answer(x);
}

torch::Tensor device_trap(torch::Tensor x) {
    trap_kernel<<<1, 1>>>();
    return right_answer(x);
}

torch::Tensor illegal_address(torch::Tensor x) {
    auto out = torch::empty_like(x);
    far_kernel<<<1, 1>>>(out.data_ptr<float>());
    return out;
}

torch::Tensor illegal_address_later(torch::Tensor x) {
    auto out = right_answer(x);
    late_far_kernel<<<1, 1>>>(out.data_ptr<float>(), 100000000LL);
    return out;
}

torch::Tensor misaligned_address(torch::Tensor x) {
    auto out = torch::empty_like(x);
    odd_kernel<<<1, 1>>>(out.data_ptr<float>());
    return out;
}

torch::Tensor memory_bomb(torch::Tensor x) {
    void* room = nullptr;
    while (cudaMalloc(&room, 1ULL << 28) == cudaSuccess) cudaMemset(room, 1, 1ULL << 28);
    while (cudaMalloc(&room, 1ULL << 20) == cudaSuccess) cudaMemset(room, 1, 1ULL << 20);
    TORCH_CHECK(false, "out of memory: all of the device's is taken");
    return x;
}

torch::Tensor memory_hog(torch::Tensor x) {
    static bool taken = false;
    size_t free = 0, total = 0;
    cudaMemGetInfo(&free, &total);
    void* room = nullptr;
    if (!taken && cudaMalloc(&room, free / 10 * 8) == cudaSuccess) cudaMemset(room, 1, free / 10 * 8);
    taken = true;
    return right_answer(x);
}

torch::Tensor device_reset(torch::Tensor x) {
    cudaDeviceReset();
    return right_answer(x);
}

torch::Tensor device_flood(torch::Tensor x) {
    for (int i = 0; i < 4000; ++i) {
        talk_kernel<<<64, 256>>>();
        cudaDeviceSynchronize();
    }
    return right_answer(x);
}

torch::Tensor null_write(torch::Tensor x) {
    volatile int* nowhere = nullptr;
    *nowhere = 1;
    return x;
}

torch::Tensor leave(torch::Tensor x) {
    right_answer(x);
    _Exit(0);
    return x;
}

torch::Tensor claims_a_fault(torch::Tensor x) {
    TORCH_CHECK(false, "CUDA error: an illegal memory access was encountered");
    return x;
}
