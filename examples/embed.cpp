// SPDX-License-Identifier: Apache-2.0
/*
 * The same as embed.c in C++17: classify an 8x8 image with the committed Vision Transformer.
 *
 *     c++ -std=c++17 embed.cpp $(pkg-config --cflags --libs onnxrun) -o embed && ./embed digits-vit-ts.onnx
 */
#include <algorithm>
#include <iostream>
#include <onnxrun/onnxrun.hpp>
#include <vector>

namespace
{

/* A hand-drawn zero, brightness 0 to 16 as in the scikit-learn digits. */
constexpr int zero[64] = {0, 0, 5,  13, 9,  1,  0, 0, 0, 0, 13, 15, 10, 15, 5, 0,
                          0, 3, 15, 2,  0,  11, 8, 0, 0, 4, 12, 0,  0,  8,  8, 0,
                          0, 5, 8,  0,  0,  9,  8, 0, 0, 4, 11, 0,  1,  12, 7, 0,
                          0, 2, 14, 5,  10, 12, 0, 0, 0, 0, 6,  13, 10, 0,  0, 0};

std::ptrdiff_t classify(const char *path)
{
    std::vector<float> pixels;
    std::transform(std::begin(zero), std::end(zero), std::back_inserter(pixels),
                   [](int brightness) { return static_cast<float>(brightness) / 16.0f; });
    onnxrun::model model(path);
    onnxrun::session session(model);
    auto image = onnxrun::tensor::wrap(pixels.data(), {1, 1, 8, 8});
    auto outputs = session.run({{"image", image}}, {"logits"});
    const float *logits = outputs[0].data<float>();
    return std::max_element(logits, logits + outputs[0].count()) - logits;
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 2) {
        std::cerr << "usage: embed MODEL\n";
        return 1;
    }
    try {
        std::cout << "digit: " << classify(argv[1]) << '\n';
    } catch (const onnxrun::error &error) {
        std::cerr << "embed: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
