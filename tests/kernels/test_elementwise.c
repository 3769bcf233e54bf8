/* SPDX-License-Identifier: Apache-2.0 */
/* The loops of functions of two and three arguments: every type and step, against one element at a
 * time. */
#include "base/half.h"
#include "kernels/kernels.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

#define MAX_COUNT 521

static const size_t counts[] = {0, 1, 7, 8, 15, 16, 17, 63, 64, 65, 255, 256, 257, MAX_COUNT};

static const enum onr_dtype dtypes[] = {
    ONR_FLOAT, ONR_DOUBLE, ONR_FLOAT16, ONR_BFLOAT16, ONR_INT8,   ONR_INT16, ONR_INT32,
    ONR_INT64, ONR_UINT8,  ONR_UINT16,  ONR_UINT32,   ONR_UINT64, ONR_BOOL,
};

/* Room for MAX_COUNT elements at any offset of an element. */
union buffer {
    double f64[MAX_COUNT + 1];
    float f32[2 * MAX_COUNT];
    uint64_t u64[MAX_COUNT + 1];
    uint8_t bytes[8 * (MAX_COUNT + 1)];
};

/* Numbers of both signs, zeros, and the ends of each integer type. */
static void fill(union buffer *buffer, enum onr_dtype dtype, uint64_t seed)
{
    float random[MAX_COUNT + 1];
    test_random(seed, MAX_COUNT + 1, random);
    for (size_t i = 0; i <= MAX_COUNT; i++) {
        float v = i % 5 == 0 ? 0.0f : random[i] * 300;
        int64_t integer = i % 7 == 0 ? INT64_MIN : i % 11 == 0 ? -1 : (int64_t)v;
        size_t size = onr_dtype_size(dtype);
        uint16_t half = dtype == ONR_FLOAT16 ? onr_float_to_half(v) : onr_float_to_bfloat16(v);
        double wide = (double)v;
        uint8_t flag = i % 3 == 0;
        const void *source = dtype == ONR_FLOAT                       ? (const void *)&v
                             : dtype == ONR_DOUBLE                    ? (const void *)&wide
                             : dtype == ONR_BOOL                      ? (const void *)&flag
                             : onr_dtypes_has(ONR_DTYPES_HALF, dtype) ? (const void *)&half
                                                                      : (const void *)&integer;
        memcpy(buffer->bytes + i * size, source, size);
    }
}

static const size_t all_steps[][2] = {{1, 1}, {1, 0}, {0, 1}, {0, 0}};

/* All counts and steps, with every pointer one element off its alignment, in place too; each result
 * must be that of the scalar function on this element alone, and nothing be written behind. */
static void check_loop(onr_binary_fn function, onr_binary_fn scalar, const union buffer *a,
                       const union buffer *b, size_t in_size, size_t out_size)
{
    union buffer got;
    union buffer want;
    const uint8_t *x = a->bytes + in_size;
    const uint8_t *y = b->bytes + in_size;
    uint8_t *z = got.bytes + out_size;
    for (size_t s = 0; s < 4; s++) {
        size_t x_step = all_steps[s][0];
        size_t y_step = all_steps[s][1];
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
            size_t count = counts[c];
            memset(&want, 0x5a, sizeof want);
            memset(&got, 0x5a, sizeof got);
            for (size_t i = 0; i < count; i++) {
                scalar(1, x + i * x_step * in_size, 1, y + i * y_step * in_size, 1,
                       want.bytes + (i + 1) * out_size);
            }
            function(count, x, x_step, y, y_step, z);
            assert_memory_equal(&got, &want, sizeof got);
            if (x_step == 1 && in_size == out_size) {
                memcpy(z, x, count * in_size);
                function(count, z, 1, y, y_step, z);
                assert_memory_equal(&got, &want, sizeof got);
            }
        }
    }
}

static void loops_equal_single_elements(void **state)
{
    (void)state;
    struct onr_kernels scalar;
    struct onr_kernels kernels;
    onr_kernels_init(&scalar, ONR_ISA_SCALAR);
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t t = 0; t < sizeof dtypes / sizeof dtypes[0]; t++) {
            union buffer a;
            union buffer b;
            size_t size = onr_dtype_size(dtypes[t]);
            fill(&a, dtypes[t], 1);
            fill(&b, dtypes[t], 2);
            for (int op = 0; op < ONR_BINARY_COUNT; op++) {
                int is_compare = op >= ONR_BINARY_EQUAL && op <= ONR_BINARY_LESS_EQUAL;
                if (kernels.binary.rows[op][dtypes[t]] != NULL) {
                    check_loop(kernels.binary.rows[op][dtypes[t]],
                               scalar.binary.rows[op][dtypes[t]], &a, &b, size,
                               is_compare ? 1 : size);
                }
            }
        }
    }
}

/* Quotient and remainders by their definition over the integers. */
static int floor_mod(int x, int y)
{
    int r = y == 0 ? 0 : x % y;
    return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

static int expected(int op, int x, int y)
{
    switch (op) {
    case ONR_BINARY_ADD:
        return x + y;
    case ONR_BINARY_SUB:
        return x - y;
    case ONR_BINARY_MUL:
        return x * y;
    case ONR_BINARY_DIV:
        return y == 0 ? 0 : x / y;
    case ONR_BINARY_FMOD:
        return y == 0 ? 0 : x % y;
    case ONR_BINARY_MOD:
        return floor_mod(x, y);
    case ONR_BINARY_MAX:
        return x > y ? x : y;
    case ONR_BINARY_MIN:
        return x < y ? x : y;
    case ONR_BINARY_PRELU:
        return x < 0 ? x * y : x;
    case ONR_BINARY_EQUAL:
        return x == y;
    case ONR_BINARY_LESS:
        return x < y;
    case ONR_BINARY_LESS_EQUAL:
        return x <= y;
    case ONR_BINARY_AND:
        return x & y;
    case ONR_BINARY_OR:
        return x | y;
    case ONR_BINARY_XOR:
        return x ^ y;
    case ONR_BINARY_SHIFT_LEFT:
        return y >= 0 && y < 8 ? x * (1 << y) : 0;
    default: /* y places to the right, rounded down */
        return y >= 0 && y < 8 ? (x - floor_mod(x, 1 << y)) / (1 << y) : -(x < 0);
    }
}

static void bytes_follow_the_definition_for_all_pairs(void **state)
{
    (void)state;
    struct onr_kernels kernels;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (int op = 0; op < ONR_BINARY_COUNT; op++) {
            for (int is_signed = 0; is_signed < 2; is_signed++) {
                onr_binary_fn function = kernels.binary.rows[op][is_signed ? ONR_INT8 : ONR_UINT8];
                for (int i = 0; function != NULL && i < 256; i++) {
                    uint8_t x = (uint8_t)i;
                    uint8_t y[256];
                    uint8_t z[256];
                    for (int j = 0; j < 256; j++) {
                        y[j] = (uint8_t)j;
                    }
                    function(256, &x, 0, y, 1, z);
                    for (int j = 0; j < 256; j++) {
                        int want =
                            is_signed ? expected(op, (int8_t)i, (int8_t)j) : expected(op, i, j);
                        assert_int_equal(z[j], (uint8_t)want);
                    }
                }
            }
        }
    }
}

static void remainders_of_zero_have_the_sign_of_the_divisor(void **state)
{
    (void)state;
    const float x[] = {0, -0.0f, 6, -6};
    const float y[] = {-3, 3, -3, INFINITY};
    const double wide_x[] = {0, -0.0, 6, -6};
    const double wide_y[] = {-3, 3, -3, HUGE_VAL};
    float z[4];
    double wide_z[4];
    struct onr_kernels kernels;
    onr_kernels_init(&kernels, onr_cpu_isa());
    kernels.binary.rows[ONR_BINARY_MOD][ONR_FLOAT](4, x, 1, y, 1, z);
    kernels.binary.rows[ONR_BINARY_MOD][ONR_DOUBLE](4, wide_x, 1, wide_y, 1, wide_z);
    assert_true(isinf(z[3]) && z[3] > 0 && isinf(wide_z[3]) && wide_z[3] > 0);
    for (int i = 0; i < 3; i++) {
        assert_true(fabsf(z[i]) <= 0 && fabs(wide_z[i]) <= 0);
        assert_true((signbit(z[i]) != 0) == (i != 1) && (signbit(wide_z[i]) != 0) == (i != 1));
    }
}

static void selection_copies_bytes(void **state)
{
    (void)state;
    struct onr_kernels kernels;
    union buffer a;
    union buffer b;
    union buffer got;
    fill(&a, ONR_FLOAT, 1);
    fill(&b, ONR_FLOAT, 2);
    uint8_t condition[257];
    for (size_t i = 0; i < 257; i++) {
        condition[i] = a.bytes[i] % 3 == 0 ? 0 : (uint8_t)i;
    }
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t log = 0; log < ONR_SELECT_SIZES; log++) {
            size_t size = (size_t)1 << log;
            for (size_t s = 0; s < 8; s++) {
                size_t step = s / 4; /* of the condition */
                const size_t *steps = all_steps[s % 4];
                for (size_t count = 0; count <= 257; count += count < 20 ? 1 : 79) {
                    memset(&got, 0x5a, sizeof got);
                    kernels.binary.select[log](count, condition, step, &a, steps[0], &b, steps[1],
                                               &got);
                    for (size_t i = 0; i < count; i++) {
                        const uint8_t *want = condition[i * step] != 0
                                                  ? a.bytes + i * steps[0] * size
                                                  : b.bytes + i * steps[1] * size;
                        assert_memory_equal(got.bytes + i * size, want, size);
                    }
                    assert_int_equal(got.bytes[count * size], 0x5a);
                }
            }
        }
    }
}

static void powers_equal_single_elements(void **state)
{
    (void)state;
    struct onr_kernels kernels;
    union buffer a;
    union buffer b;
    union buffer got;
    union buffer want;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t pair = 0; pair < 144; pair++) {
            enum onr_dtype x = dtypes[pair / 12];
            enum onr_dtype y = dtypes[pair % 12];
            size_t size = onr_dtype_size(x);
            fill(&a, x, 3);
            fill(&b, y, 4);
            for (size_t s = 0; s < 4; s++) {
                memset(&got, 0, sizeof got);
                memset(&want, 0, sizeof want);
                kernels.binary.power(MAX_COUNT, x, &a, all_steps[s][0], y, &b, all_steps[s][1],
                                     &got);
                for (size_t i = 0; i < MAX_COUNT; i++) {
                    kernels.binary.power(1, x, a.bytes + i * all_steps[s][0] * size, 1, y,
                                         b.bytes + i * all_steps[s][1] * onr_dtype_size(y), 1,
                                         want.bytes + i * size);
                }
                assert_memory_equal(&got, &want, sizeof got);
            }
        }
    }
}

static void clip_holds_floats_between_bounds(void **state)
{
    (void)state;
    struct onr_kernels kernels;
    union buffer x;
    union buffer y;
    const float low = -20;
    const float high = 30;
    fill(&x, ONR_FLOAT, 1);
    x.f32[9] = NAN;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
            kernels.binary.clip[ONR_FLOAT](counts[c], &x, &low, &high, &y);
            for (size_t i = 0; i < counts[c]; i++) {
                float v = x.f32[i];
                float want = v < low ? low : v > high ? high : v;
                assert_true(y.f32[i] == want || (isnan(v) && isnan(y.f32[i])));
            }
            kernels.binary.clip[ONR_FLOAT](counts[c], &x, NULL, NULL, &y);
            assert_memory_equal(&x, &y, counts[c] * sizeof(float));
        }
    }
}

/* A type of 16 bits, by the conversions of one number. */
struct half {
    enum onr_dtype dtype;
    float (*load)(uint16_t half);
    uint16_t (*store)(float number);
};

/* NaN stays NaN, whatever its bits. */
static void assert_half(const struct half *half, uint16_t got, float want)
{
    if (isnan(want)) {
        assert_true(isnan(half->load(got)));
    } else {
        assert_int_equal(got, half->store(want));
    }
}

/* All numbers of the type, from `first` on in pieces with each kind of rest. */
static void check_half(const struct onr_kernels *kernels, const struct half *half, size_t first,
                       size_t count)
{
    static uint16_t x[1024], sum[1024], clipped[1024], relu[1024];
    const uint16_t low = half->store(-0.25f);
    const uint16_t high = half->store(6.0f);
    const struct onr_unary_args none = {0};
    for (size_t i = 0; i < count; i++) {
        x[i] = (uint16_t)(first + i);
    }
    kernels->binary.rows[ONR_BINARY_ADD][half->dtype](count, x, 1, &low, 0, sum);
    kernels->binary.clip[half->dtype](count, x, &low, &high, clipped);
    kernels->unary.rows[ONR_UNARY_RELU][half->dtype](count, x, relu, none);
    for (size_t i = 0; i < count; i++) {
        float v = half->load(x[i]);
        assert_half(half, sum[i], v + -0.25f);
        assert_half(half, clipped[i], v < -0.25f ? -0.25f : v > 6.0f ? 6.0f : v);
        assert_half(half, relu[i], v < 0.0f ? 0.0f : v);
    }
    kernels->binary.clip[half->dtype](count, x, NULL, NULL, clipped);
    for (size_t i = 0; i < count; i++) {
        assert_half(half, clipped[i], half->load(x[i]));
    }
}

static void halves_of_every_kind_follow_single_numbers(void **state)
{
    (void)state;
    static const struct half halves[] = {
        {ONR_FLOAT16, onr_half_to_float, onr_float_to_half},
        {ONR_BFLOAT16, onr_bfloat16_to_float, onr_float_to_bfloat16}};
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t h = 0; h < 2; h++) {
            size_t count = 1;
            for (size_t first = 0; first < 65536; first += count) {
                count = first % 611 + 1;
                check_half(&kernels, &halves[h], first, count);
            }
        }
    }
}

/* On every instruction set the same bits, near the quotient in double. */
static void fractions_round_once_in_each_step(void **state)
{
    (void)state;
    static const struct onr_fraction f = {.limit = 3,
                                          .shift = 0.5f,
                                          .least = 0.125f,
                                          .p = {0, 0, 0, 1e-3f, -0.02f, 0.3f, 0.7f},
                                          .q = {0, 1e-4f, 2e-3f, 0.03f, 0.4f, 1.1f}};
    union buffer x;
    union buffer want;
    union buffer got;
    test_random(5, MAX_COUNT, x.f32);
    for (size_t i = 0; i < MAX_COUNT; i++) {
        x.f32[i] *= 4;
    }
    x.f32[7] = NAN;
    x.f32[8] = INFINITY;
    struct onr_kernels scalar;
    onr_kernels_init(&scalar, ONR_ISA_SCALAR);
    scalar.unary.fraction(MAX_COUNT, x.f32, want.f32, &f);
    for (size_t i = 0; i < MAX_COUNT; i++) {
        double v = fmin(fmax((double)x.f32[i], -3), 3);
        double s = v * v;
        double p = ((1e-3 * s - 0.02) * s + 0.3) * s + 0.7;
        double q = (((1e-4 * s + 2e-3) * s + 0.03) * s + 0.4) * s + 1.1;
        if (i != 7) {
            assert_float_equal(want.f32[i], fmax(v * p / q + 0.5, 0.125), 1e-6);
        }
    }
    assert_true(isnan(want.f32[7]));
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
            kernels.unary.fraction(counts[c], x.f32, got.f32, &f);
            assert_memory_equal(got.f32, want.f32, counts[c] * sizeof(float));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_equal_single_elements),
        cmocka_unit_test(remainders_of_zero_have_the_sign_of_the_divisor),
        cmocka_unit_test(bytes_follow_the_definition_for_all_pairs),
        cmocka_unit_test(selection_copies_bytes),
        cmocka_unit_test(powers_equal_single_elements),
        cmocka_unit_test(clip_holds_floats_between_bounds),
        cmocka_unit_test(halves_of_every_kind_follow_single_numbers),
        cmocka_unit_test(fractions_round_once_in_each_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
