// SPDX-License-Identifier: Apache-2.0
/*
 * What onnxrun.hpp promises, against an installed library.
 *   wrapper digits-vit-ts.onnx
 */
#include <cstdio>
#include <fstream>
#include <iterator>
#include <onnxrun/onnxrun.hpp>
#include <string>
#include <utility>
#include <vector>

namespace
{

int failure_count = 0;

void expect(bool holds, const char *what)
{
    if (!holds) {
        std::printf("failed: %s\n", what);
        failure_count++;
    }
}

template <class Call>
void expect_error(onnxrun_status status, const std::string &message, Call call)
{
    try {
        call();
        std::printf("failed: no error, expected: %s\n", message.c_str());
        failure_count++;
    } catch (const onnxrun::error &error) {
        if (error.status() != status || error.what() != message) {
            std::printf("failed: %d %s, expected: %d %s\n", error.status(), error.what(), status,
                        message.c_str());
            failure_count++;
        }
    }
}

void a_tensor_knows_its_type_and_shape()
{
    auto made = onnxrun::tensor::copy<std::int64_t>({1, 2, 3, 4, 5, 6}, {2, 3});
    expect(made.dtype() == ONNXRUN_INT64, "dtype of int64");
    expect(made.dims() == onnxrun::shape({2, 3}), "dims");
    expect(made.data<std::int64_t>()[5] == 6, "values are copied");
    made.mutable_data<std::int64_t>()[5] = 7;
    expect(made.data<std::int64_t>()[5] == 7, "values can be written");
    expect_error(ONNXRUN_ERR_ARGUMENT, "the tensor is of type int64, asked for as float",
                 [&] { made.data<float>(); });
    expect_error(ONNXRUN_ERR_ARGUMENT, "2 values for a tensor of 3", [] {
        onnxrun::tensor::copy<float>({1, 2}, {3});
    });
    float number = 1.5f;
    auto scalar = onnxrun::tensor::wrap(&number, {});
    expect(scalar.raw() == &number && scalar.count() == 1, "a tensor can borrow a scalar");
    const std::int64_t huge = std::int64_t{1} << 62;
    expect_error(ONNXRUN_ERR_ARGUMENT, "the dimensions of the tensor are too large", [&] {
        onnxrun::tensor::wrap(&number, {huge, huge});
    });
}

void a_tensor_can_be_moved()
{
    auto first = onnxrun::tensor::copy<double>({2.5}, {1});
    onnxrun::tensor second = std::move(first);
    expect(second.data<double>()[0] == 2.5, "a moved tensor keeps its data");
    first = onnxrun::tensor(ONNXRUN_BOOL, {4});
    expect(first.bytes() == 4 && !first.data<bool>()[3], "it can be assigned to afterwards");
}

void a_model_tells_its_signature(const onnxrun::model &model)
{
    auto inputs = model.inputs();
    expect(inputs.size() == 1 && inputs[0].name == "image", "name of the input");
    expect(inputs[0].dims == onnxrun::shape({-1, 1, 8, 8}), "dims of the input");
    expect(inputs[0].symbols[0] == "batch" && inputs[0].symbols[1].empty(), "symbols");
    expect(inputs[0].has_rank && !inputs[0].is_optional, "rank");
    expect(model.outputs().at(0).name == "logits", "name of the output");
}

void a_session_computes(const onnxrun::model &model)
{
    onnxrun::session session(model);
    onnxrun::tensor image(ONNXRUN_FLOAT, {2, 1, 8, 8});
    auto outputs = session.run({{"image", image}}, {"logits"});
    expect(outputs[0].dims() == onnxrun::shape({2, 10}), "shape of the output");
    const float first = outputs[0].data<float>()[0];
    onnxrun::tensor own(ONNXRUN_FLOAT, {2, 10});
    session.run_into({{"image", image}}, {{"logits", own}});
    expect(own.data<float>()[0] == first, "a run into a tensor of one's own");
    expect(session.stats().threads >= 1, "stats");
    expect_error(ONNXRUN_ERR_ARGUMENT, "input \"image\" is missing; it is float[batch, 1, 8, 8]",
                 [&] { session.run({}, {"logits"}); });
    expect(session.run({{"image", image}}, {"logits"})[0].data<float>()[0] == first,
           "a session works after an error");
}

void errors_are_exceptions(const char *path)
{
    expect_error(ONNXRUN_ERR_IO, "no-such-model.onnx: No such file or directory",
                 [] { onnxrun::model("no-such-model.onnx"); });
    std::ifstream file(path, std::ios::binary);
    std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    onnxrun::model from_memory(bytes.data(), bytes.size());
    expect(from_memory.inputs().size() == 1, "a model is loaded from memory");
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 2) {
        return 1;
    }
    try {
        onnxrun::model model(argv[1]);
        a_tensor_knows_its_type_and_shape();
        a_tensor_can_be_moved();
        a_model_tells_its_signature(model);
        a_session_computes(model);
        errors_are_exceptions(argv[1]);
    } catch (const onnxrun::error &error) {
        std::printf("failed: %s\n", error.what());
        return 1;
    }
    std::printf("wrapper: %d failed\n", failure_count);
    return failure_count == 0 ? 0 : 1;
}
