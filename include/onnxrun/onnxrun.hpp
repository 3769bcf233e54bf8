// SPDX-License-Identifier: Apache-2.0
/*
 * onnxrun for C++17: the handles of onnxrun.h with owners, errors as exceptions. Nothing to link but
 * the C library.
 *
 *     onnxrun::model model("model.onnx");
 *     onnxrun::session session(model);
 *     std::vector<std::int64_t> ids{101, 7592, 102};
 *     auto x = onnxrun::tensor::wrap(ids.data(), {1, 3});
 *     auto outputs = session.run({{"input_ids", x}}, {"logits"});
 *     const float *logits = outputs[0].data<float>();
 *
 * What onnxrun.h says about ownership, threads and errors holds here. Every function that can fail
 * throws onnxrun::error (or std::bad_alloc for the memory of a std container); objects that were
 * moved from may only be assigned to or destroyed.
 */
#ifndef ONNXRUN_ONNXRUN_HPP
#define ONNXRUN_ONNXRUN_HPP

#include "onnxrun/onnxrun.h"

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace onnxrun
{

/* A failed call: its status, and as what() the message, which says where, what, got and expected. */
class error : public std::runtime_error
{
  public:
    explicit error(const onnxrun_error &from)
        : std::runtime_error(from.message), status_(from.status)
    {
    }

    onnxrun_status status() const noexcept
    {
        return status_;
    }

  private:
    onnxrun_status status_;
};

namespace detail
{

/* Calls function(arguments..., &error) and throws when it fails. */
template <class Function, class... Arguments> void check(Function function, Arguments... arguments)
{
    onnxrun_error error{};
    if (function(arguments..., &error) != ONNXRUN_OK) {
        throw onnxrun::error(error);
    }
}

[[noreturn]] inline void fail(const std::string &message)
{
    onnxrun_error error{};
    error.status = ONNXRUN_ERR_ARGUMENT;
    message.copy(error.message, sizeof error.message - 1);
    throw onnxrun::error(error);
}

template <auto free> struct deleter {
    template <class Handle> void operator()(Handle *handle) const noexcept
    {
        free(handle);
    }
};

template <class T> constexpr onnxrun_dtype integer_dtype()
{
    switch (sizeof(T)) {
    case 1:
        return std::is_signed_v<T> ? ONNXRUN_INT8 : ONNXRUN_UINT8;
    case 2:
        return std::is_signed_v<T> ? ONNXRUN_INT16 : ONNXRUN_UINT16;
    case 4:
        return std::is_signed_v<T> ? ONNXRUN_INT32 : ONNXRUN_UINT32;
    default:
        return std::is_signed_v<T> ? ONNXRUN_INT64 : ONNXRUN_UINT64;
    }
}

} // namespace detail

/* The element type that a C++ type stands for: float, double, bool, integers of 8 to 64 bits and
 * onnxrun_string. Other element types are created with their onnxrun_dtype and read with raw(). */
template <class T> constexpr onnxrun_dtype dtype_of()
{
    using U = std::remove_cv_t<T>;
    static_assert(std::is_arithmetic_v<U> || std::is_same_v<U, onnxrun_string>,
                  "no element type of ONNX");
    if constexpr (std::is_same_v<U, float>) {
        return ONNXRUN_FLOAT;
    } else if constexpr (std::is_same_v<U, double>) {
        return ONNXRUN_DOUBLE;
    } else if constexpr (std::is_same_v<U, bool>) {
        return ONNXRUN_BOOL;
    } else if constexpr (std::is_same_v<U, onnxrun_string>) {
        return ONNXRUN_STRING;
    } else {
        static_assert(std::is_integral_v<U>, "no element type of ONNX");
        return detail::integer_dtype<U>();
    }
}

using shape = std::vector<std::int64_t>;

/* Looks at a tensor that something else owns; as cheap to copy as a pointer. What a session returned
 * is valid until its next run; of an optional without element, has_value() is false. */
class tensor_view
{
  public:
    tensor_view() noexcept = default;
    explicit tensor_view(const onnxrun_tensor *handle) noexcept : handle_(handle)
    {
    }

    bool has_value() const noexcept
    {
        return handle_ != nullptr;
    }
    const onnxrun_tensor *handle() const noexcept
    {
        return handle_;
    }

    onnxrun_kind kind() const noexcept
    {
        return onnxrun_tensor_kind(handle_);
    }
    onnxrun_dtype dtype() const noexcept
    {
        return onnxrun_tensor_dtype(handle_);
    }
    /* Elements, or tensors of a sequence. */
    std::size_t count() const noexcept
    {
        return onnxrun_tensor_count(handle_);
    }
    std::size_t bytes() const noexcept
    {
        return onnxrun_tensor_bytes(handle_);
    }
    shape dims() const
    {
        const std::int64_t *dims = onnxrun_tensor_dims(handle_);
        return shape(dims, dims + onnxrun_tensor_rank(handle_));
    }

    /* [count()] elements, row-major. Throws when the elements have another type. */
    template <class T> const T *data() const
    {
        expect(dtype_of<T>());
        return static_cast<const T *>(raw());
    }
    const void *raw() const noexcept
    {
        return onnxrun_tensor_data(handle_);
    }

    /* Tensor of a sequence. Throws when there is none at this position. */
    tensor_view at(std::size_t index) const
    {
        const onnxrun_tensor *element = onnxrun_sequence_at(handle_, index);
        if (element == nullptr) {
            detail::fail("no tensor " + std::to_string(index) + " in the sequence");
        }
        return tensor_view(element);
    }

  protected:
    void expect(onnxrun_dtype dtype) const
    {
        if (!has_value()) {
            detail::fail("the optional has no element");
        }
        if (this->dtype() != dtype) {
            detail::fail(std::string("the tensor is of type ") + onnxrun_dtype_name(this->dtype()) +
                         ", asked for as " + onnxrun_dtype_name(dtype));
        }
    }

    const onnxrun_tensor *handle_ = nullptr;
};

/* A tensor of the program's own. */
class tensor : public tensor_view
{
  public:
    /* Zeroed. */
    tensor(onnxrun_dtype dtype, const shape &dims)
    {
        onnxrun_tensor *made = nullptr;
        detail::check(onnxrun_tensor_create, dtype, dims.size(), dims.data(), &made);
        own(made);
    }

    /* A copy of values, whose number must be the product of dims. */
    template <class T> static tensor copy(const std::vector<T> &values, const shape &dims)
    {
        static_assert(!std::is_same_v<T, bool>, "std::vector<bool> has no array of elements");
        tensor made(dtype_of<T>(), dims);
        if (values.size() != made.count()) {
            detail::fail(std::to_string(values.size()) + " values for a tensor of " +
                         std::to_string(made.count()));
        }
        std::copy(values.begin(), values.end(), made.template mutable_data<T>());
        return made;
    }

    /* Borrows data until it is destroyed. As an input it is only read. */
    template <class T> static tensor wrap(T *data, const shape &dims)
    {
        std::size_t count = 1;
        for (std::int64_t dim : dims) {
            if (dim > 0 && count > SIZE_MAX / sizeof(T) / static_cast<std::size_t>(dim)) {
                detail::fail("the dimensions of the tensor are too large");
            }
            count *= static_cast<std::size_t>(dim > 0 ? dim : 0);
        }
        onnxrun_tensor *made = nullptr;
        detail::check(onnxrun_tensor_wrap, dtype_of<T>(), dims.size(), dims.data(),
                      const_cast<std::remove_cv_t<T> *>(data), count * sizeof(T), &made);
        return tensor(made);
    }

    onnxrun_tensor *handle() const noexcept
    {
        return owner_.get();
    }

    template <class T> T *mutable_data()
    {
        expect(dtype_of<T>());
        return static_cast<T *>(mutable_raw());
    }
    void *mutable_raw() noexcept
    {
        return onnxrun_tensor_mutable_data(owner_.get());
    }

  private:
    explicit tensor(onnxrun_tensor *made)
    {
        own(made);
    }

    void own(onnxrun_tensor *made)
    {
        owner_.reset(made);
        handle_ = made;
    }

    std::unique_ptr<onnxrun_tensor, detail::deleter<onnxrun_tensor_free>> owner_{};
};

/* An input or output as a model declares it; a dimension of -1 is symbolic or not declared. */
struct value_info {
    std::string name{};
    onnxrun_kind kind = ONNXRUN_KIND_TENSOR;
    onnxrun_dtype dtype = ONNXRUN_UNDEFINED;
    bool has_rank = false;
    shape dims{};
    std::vector<std::string> symbols{}; /* [dims.size()]; "" for a dimension without name */
    bool is_optional = false;
};

/* Immutable; may be used by several threads at once. Lives longer than its sessions. */
class model
{
  public:
    explicit model(const std::string &path, const onnxrun_model_options *options = nullptr)
    {
        onnxrun_model *made = nullptr;
        detail::check(onnxrun_model_load, path.c_str(), options, &made);
        owner_.reset(made);
    }

    /* The bytes are borrowed while the model lives. */
    model(const void *bytes, std::size_t size, const onnxrun_model_options *options = nullptr)
    {
        onnxrun_model *made = nullptr;
        detail::check(onnxrun_model_load_memory, bytes, size, options, &made);
        owner_.reset(made);
    }

    const onnxrun_model *handle() const noexcept
    {
        return owner_.get();
    }

    std::vector<value_info> inputs() const
    {
        return infos(onnxrun_model_input_count(handle()), onnxrun_model_input_info);
    }
    std::vector<value_info> outputs() const
    {
        return infos(onnxrun_model_output_count(handle()), onnxrun_model_output_info);
    }

  private:
    template <class Ask> std::vector<value_info> infos(std::size_t count, Ask ask) const
    {
        std::vector<value_info> all(count);
        for (std::size_t i = 0; i < count; i++) {
            onnxrun_value_info info{};
            detail::check(ask, handle(), i, &info);
            all[i].name = info.name;
            all[i].kind = info.kind;
            all[i].dtype = info.dtype;
            all[i].is_optional = info.is_optional != 0;
            all[i].has_rank = info.rank >= 0;
            for (std::int32_t axis = 0; axis < info.rank; axis++) {
                all[i].dims.push_back(info.dims[axis]);
                all[i].symbols.emplace_back(info.symbols[axis] ? info.symbols[axis] : "");
            }
        }
        return all;
    }

    std::unique_ptr<onnxrun_model, detail::deleter<onnxrun_model_free>> owner_{};
};

/* A name and the tensor given for it, which is borrowed during the call. */
struct named_tensor {
    const char *name;
    const tensor &value;
};

/* One run context with its own memory, for one thread at a time. Borrows the model. */
class session
{
  public:
    explicit session(const model &model, const onnxrun_session_options *options = nullptr)
    {
        onnxrun_session *made = nullptr;
        detail::check(onnxrun_session_create, model.handle(), options, &made);
        owner_.reset(made);
    }
    session(model &&, const onnxrun_session_options * = nullptr) = delete; /* would dangle */

    onnxrun_session *handle() const noexcept
    {
        return owner_.get();
    }

    /* Computes the named outputs, in this order. The views are valid until the next run. */
    std::vector<tensor_view> run(std::initializer_list<named_tensor> inputs,
                                 std::initializer_list<const char *> outputs)
    {
        return run(std::vector<named_tensor>(inputs), std::vector<const char *>(outputs));
    }
    std::vector<tensor_view> run(const std::vector<named_tensor> &inputs,
                                 const std::vector<const char *> &outputs)
    {
        std::vector<onnxrun_binding> in, out;
        for (const named_tensor &input : inputs) {
            in.push_back({input.name, input.value.handle()});
        }
        for (const char *name : outputs) {
            out.push_back({name, nullptr});
        }
        detail::check(onnxrun_session_run, handle(), in.data(), in.size(), out.data(), out.size());
        std::vector<tensor_view> views;
        for (const onnxrun_binding &output : out) {
            views.emplace_back(output.tensor);
        }
        return views;
    }

    /* The same into tensors of the program's own, which must fit in element type and shape. */
    void run_into(const std::vector<named_tensor> &inputs, const std::vector<named_tensor> &outputs)
    {
        std::vector<onnxrun_binding> in, out;
        for (const named_tensor &input : inputs) {
            in.push_back({input.name, input.value.handle()});
        }
        for (const named_tensor &output : outputs) {
            out.push_back({output.name, output.value.handle()});
        }
        detail::check(onnxrun_session_run, handle(), in.data(), in.size(), out.data(), out.size());
    }

    onnxrun_session_stats stats() const
    {
        onnxrun_session_stats stats{};
        stats.struct_size = sizeof stats;
        onnxrun_session_get_stats(handle(), &stats);
        return stats;
    }

  private:
    std::unique_ptr<onnxrun_session, detail::deleter<onnxrun_session_free>> owner_{};
};

} // namespace onnxrun

#endif
