// The honest kernel of the problem `act`, plain, into a buffer, and one that raises when asked to.
#include <stdexcept>

__global__ void act_kernel(const float* in, float* out, long n) {
    long i = blockIdx.x * (long)blockDim.x + threadIdx.x;
    if (i < n) out[i] = tanhf(in[i]) * 3.0f + 0.125f;
}

static void enqueue_act(const torch::Tensor& x, torch::Tensor& out) {
    long n = x.numel();
    act_kernel<<<(n + 255) / 256, 256>>>(x.data_ptr<float>(), out.data_ptr<float>(), n);
}

torch::Tensor act(torch::Tensor x) {
    auto out = torch::empty_like(x);
    enqueue_act(x, out);
    return out;
}

torch::Tensor act_into(torch::Tensor x, torch::Tensor out) {
    enqueue_act(x, out);
    return out;
}

torch::Tensor act_or_throw(torch::Tensor x, bool good) {
    if (!good) throw std::runtime_error("no such luck");
    return act(x);
}
