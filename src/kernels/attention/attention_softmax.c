/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of scores of attention: caps, masks and softmax, in portable C on lanes. Exponentials of AVX2
 * come from a table in a register.
 */
#include "kernels/attention/attention.h"
#include "kernels/conv/lanes.h"
#include "kernels/elementwise/vmath.h"
#include "kernels/gemm/gemm_unroll.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

void ONR_KERNEL(onr_fill_attention_softmax)(struct onr_kernels *kernels);

/* Rows whose maxima are found together: the last steps of one wait for each other, those of four do not. */
#define ROWS 4

/* Rows whose exponentials are computed side by side: as many as registers are there for. */
#if ONR_LANES == 16
#    define ABREAST 4
#else
#    define ABREAST 2
#endif

static inline __attribute__((always_inline)) float larger(float a, float b)
{
    return a > b ? a : b;
}

static inline __attribute__((always_inline)) float lanes_max(onr_lanes v)
{
#if ONR_LANES == 16
    __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
#elif ONR_LANES == 8
    __m256 eight = v;
#endif
#if ONR_LANES > 4
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
#else
    return larger(larger(v[0], v[1]), larger(v[2], v[3]));
#endif
}

/* Lanes from n on become -inf. */
static inline __attribute__((always_inline)) onr_lanes keep_first(onr_lanes x, int64_t n)
{
#if ONR_LANES == 16
    return _mm512_mask_mov_ps(-INFINITY - (onr_lanes){0}, (__mmask16)_bzhi_u32(0xffff, (uint32_t)n),
                              x);
#elif ONR_LANES == 8
    return _mm256_blendv_ps(-INFINITY - (onr_lanes){0}, x, (onr_lanes)onr_first_lanes(n));
#else
    for (int64_t l = n; l < ONR_LANES; l++) {
        x[l] = -INFINITY;
    }
    return x;
#endif
}

/* Adds the mask of a row, and returns the largest of -inf and its numbers in lanes: a NaN reaches the sum
 * by itself. The last lanes are filled up with -inf. */
static inline __attribute__((always_inline)) onr_lanes row_max(const struct onr_softmax_f32 *b,
                                                               size_t row)
{
    float *x = b->scores + row * b->stride;
    const float *mask = b->masks != NULL ? b->masks[row] : NULL;
    size_t whole = b->count - b->count % ONR_LANES;
    onr_lanes lane = -INFINITY - (onr_lanes){0};
    for (size_t i = 0; mask != NULL && i < whole; i += ONR_LANES) {
        onr_lanes sum = onr_load(x + i) + onr_load(mask + i);
        onr_store(x + i, sum);
        lane = onr_larger(sum, lane);
    }
    for (size_t i = 0; mask == NULL && i < whole; i += ONR_LANES) {
        lane = onr_larger(onr_load(x + i), lane);
    }
    if (whole < b->count) {
        int64_t left = (int64_t)(b->count - whole);
        onr_lanes last = onr_load(x + whole);
        if (mask != NULL) {
            last += onr_load_part(mask + whole, left, 0.0f);
        }
        last = keep_first(last, left);
        onr_store(x + whole, last);
        lane = onr_larger(last, lane);
    }
    return lane;
}

/* The largest numbers of at most ROWS rows from `row` on, as far as there are. */
static inline void rows_max(const struct onr_softmax_f32 *b, size_t row, float *max)
{
    onr_lanes lane[ROWS];
    size_t count = b->row_count - row < ROWS ? b->row_count - row : ROWS;
    for (size_t r = 0; r < count; r++) {
        lane[r] = row_max(b, row + r);
    }
    for (size_t r = 0; r < count; r++) {
        max[r] = larger(lanes_max(lane[r]), b->rows[row + r].max);
    }
}

/* e^x for x <= 0 and NaN, in two steps, so that the second of one vector and the first of the next can be
 * done at a time. */
struct exp_step {
#if ONR_LANES == 16
    __m512 t, f;
#elif ONR_LANES == 8
    __m256 x, z, f;
#else
    onr_lanes x;
#endif
};

#if ONR_LANES == 16
/* As 2^t, t = x / ln 2: 2^f, f = t - floor t, its exponent raised by floor t. f and that are single
 * instructions, right for -inf, and no work for the multipliers. Error 1.1 ulp, and |x| 2^-24 of the
 * result. */
static inline __attribute__((always_inline)) struct exp_step begin_exp(onr_lanes x)
{
    __m512 t = _mm512_mul_ps(x, _mm512_set1_ps(1.442695041f));
    return (struct exp_step){t, _mm512_reduce_ps(t, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)};
}

static inline __attribute__((always_inline)) onr_lanes end_exp(struct exp_step s)
{
    __m512 p = _mm512_set1_ps(2.16129149e-4f); /* 2^f, 0 <= f < 1; exact for 0 */
    p = _mm512_fmadd_ps(p, s.f, _mm512_set1_ps(1.24678470e-3f));
    p = _mm512_fmadd_ps(p, s.f, _mm512_set1_ps(9.67545155e-3f));
    p = _mm512_fmadd_ps(p, s.f, _mm512_set1_ps(5.54852821e-2f));
    p = _mm512_fmadd_ps(p, s.f, _mm512_set1_ps(2.40229309e-1f));
    p = _mm512_fmadd_ps(p, s.f, _mm512_set1_ps(6.93147063e-1f));
    p = _mm512_fmadd_ps(p, s.f, _mm512_set1_ps(1.0f));
    return _mm512_scalef_ps(p, s.t);
}
#elif ONR_LANES == 8
/* The bits of 2^(i / 8), less i << 20. */
static const int32_t powers[8] __attribute__((aligned(32))) = {
    0x3f800000, 0x3f7b95c2, 0x3f7837f0, 0x3f75fed7, 0x3f7504f3, 0x3f75672a, 0x3f7744fd, 0x3f7ac0c7};

/* The same as 2^n 2^(i / 8) 2^f, |f| <= 1 / 16; 0 below -87, where the softmax of a float is 0 as well. The
 * low bits of z are 8 n + i: shifted, they raise the exponent by n and add what the table lacks. Error 1.1
 * ulp, and 1.25 |x| 2^-24 of the result. */
static inline __attribute__((always_inline)) struct exp_step begin_exp(onr_lanes x)
{
    __m256 t = _mm256_mul_ps(x, _mm256_set1_ps(1.442695041f));
    __m256 z = _mm256_add_ps(t, _mm256_set1_ps(0x1.8p20f));
    return (struct exp_step){x, z, _mm256_sub_ps(t, _mm256_sub_ps(z, _mm256_set1_ps(0x1.8p20f)))};
}

static inline __attribute__((always_inline)) onr_lanes end_exp(struct exp_step s)
{
    __m256i bits = _mm256_castps_si256(s.z);
    __m256i least =
        _mm256_permutevar8x32_epi32(_mm256_load_si256((const __m256i *)(const void *)powers), bits);
    __m256 power = _mm256_castsi256_ps(_mm256_add_epi32(least, _mm256_slli_epi32(bits, 20)));
    __m256 p =
        _mm256_fmadd_ps(_mm256_set1_ps(5.549622179e-2f), s.f, _mm256_set1_ps(2.402576298e-1f));
    p = _mm256_fmadd_ps(p, s.f, _mm256_set1_ps(6.931472143e-1f));
    p = _mm256_fmadd_ps(_mm256_mul_ps(power, s.f), p, power);
    __m256 is_zero = _mm256_cmp_ps(s.x, _mm256_set1_ps(-ONR_VEXP_NORMAL_MAX), _CMP_LT_OQ);
    return _mm256_andnot_ps(is_zero, p);
}
#else
static inline __attribute__((always_inline)) struct exp_step begin_exp(onr_lanes x)
{
    return (struct exp_step){x};
}

static inline __attribute__((always_inline)) onr_lanes end_exp(struct exp_step s)
{
    for (size_t l = 0; l < ONR_LANES; l++) {
        s.x[l] = onr_vexp_negative(s.x[l]);
    }
    return s.x;
}
#endif

/* x[r * stride + i] = e^(x[r * stride + i] - shift[r]) for r < rows, at most ABREAST, and the sum of each
 * row. The number of rows is a constant where this is inlined. */
static inline __attribute__((always_inline)) void rows_exp(size_t rows, size_t count,
                                                           const float *shift, float *x,
                                                           size_t stride, float *sum)
{
    onr_lanes lane[ABREAST];
    struct exp_step step[ABREAST];
    ONR_UNROLL
    for (size_t r = 0; r < rows; r++) {
        lane[r] = (onr_lanes){0};
        step[r] = begin_exp(onr_load(x + r * stride) - shift[r]);
    }
    for (size_t i = 0; i < count; i += ONR_LANES, x += ONR_LANES) {
        struct exp_step next[ABREAST];
        size_t ahead = i + ONR_LANES < count ? ONR_LANES : 0; /* behind the last there is no more */
        ONR_UNROLL
        for (size_t r = 0; r < rows; r++) {
            next[r] = begin_exp(onr_load(x + r * stride + ahead) - shift[r]);
        }
        ONR_UNROLL
        for (size_t r = 0; r < rows; r++) {
            onr_lanes y = end_exp(step[r]);
            onr_store(x + r * stride, y);
            lane[r] += y;
            step[r] = next[r];
        }
    }
    ONR_UNROLL
    for (size_t r = 0; r < rows; r++) {
        sum[r] = onr_lanes_sum(lane[r]);
    }
}

/* Takes the sum of a block into the state of a row, and scales down what was summed before: with a
 * maximum of -inf nothing was but zeros, or NaN, which stay what they are. */
static inline void add_sum(struct onr_softmax_row_f32 *row, float max, float sum, size_t width,
                           float *y)
{
    if (row->max != -INFINITY && (max != row->max || max == INFINITY)) {
        float factor = onr_vexp_negative(row->max - max);
        for (size_t i = 0; i < width; i++) {
            y[i] *= factor;
        }
        row->sum *= (double)factor;
    }
    row->max = max;
    row->sum += (double)sum;
}

/* The next at most ROWS rows from `row` on, of which these are the maxima. */
static void weigh_rows(const struct onr_softmax_f32 *b, size_t row, const float *max)
{
    float shift[ROWS], sum[ROWS];
    float *x = b->scores + row * b->stride;
    size_t rows = b->row_count - row < ROWS ? b->row_count - row : ROWS;
    for (size_t r = 0; r < rows; r++) {
        shift[r] = max[r] == -INFINITY ? 0.0f : max[r];
    }
    size_t done = 0;
    for (; done + ABREAST <= rows; done += ABREAST) {
        rows_exp(ABREAST, b->count, shift + done, x + done * b->stride, b->stride, sum + done);
    }
    for (; done < rows; done++) {
        rows_exp(1, b->count, shift + done, x + done * b->stride, b->stride, sum + done);
    }
    for (size_t r = 0; r < rows; r++) {
        add_sum(&b->rows[row + r], max[r], sum[r], b->width, b->y + (row + r) * b->y_stride);
    }
}

/* The maxima of the next rows are found before these are done, so that nothing waits for their last
 * steps. */
static void softmax_step_f32(const struct onr_softmax_f32 *block)
{
    float max[2][ROWS];
    rows_max(block, 0, max[0]);
    for (size_t row = 0; row < block->row_count; row += ROWS) {
        if (row + ROWS < block->row_count) {
            rows_max(block, row + ROWS, max[(row / ROWS + 1) % 2]);
        }
        weigh_rows(block, row, max[row / ROWS % 2]);
    }
}

/* Elements that are looked at together. */
#define CHUNK 32

static size_t last_above_f32(size_t count, const float *x, float limit)
{
    while (count > 0) {
        size_t size = (count - 1) % CHUNK + 1;
        const float *chunk = x + count - size;
        int32_t any = 0;
        for (size_t i = 0; i < size; i++) {
            any |= !(chunk[i] <= limit);
        }
        if (any != 0) {
            break;
        }
        count -= size;
    }
    return count;
}

static size_t last_set_u8(size_t count, const uint8_t *x)
{
    while (count > 0) {
        size_t size = (count - 1) % CHUNK + 1;
        uint8_t any = 0;
        for (size_t i = count - size; i < count; i++) {
            any |= x[i];
        }
        if (any != 0) {
            break;
        }
        count -= size;
    }
    return count;
}

static size_t run_between_f32(size_t count, const float *x, float low, float high)
{
    size_t i = 0;
    int32_t any = count > 0 && !((x[0] >= low) & (x[0] <= high));
    for (; any == 0 && i + CHUNK <= count; i += CHUNK) {
        for (size_t l = i; l < i + CHUNK; l++) {
            any |= !((x[l] >= low) & (x[l] <= high));
        }
        if (any != 0) {
            break;
        }
    }
    while (i < count && x[i] >= low && x[i] <= high) {
        i++;
    }
    return i;
}

static size_t run_alike_u8(size_t count, const uint8_t *x, bool is_set)
{
    size_t i = 0;
    uint8_t any = 0;
    for (; i + CHUNK <= count; i += CHUNK) {
        for (size_t l = i; l < i + CHUNK; l++) {
            any |= (x[l] != 0) != is_set;
        }
        if (any != 0) {
            break;
        }
    }
    while (i < count && (x[i] != 0) == is_set) {
        i++;
    }
    return i;
}

static void softcap_f32(size_t count, float cap, float *x)
{
    for (size_t i = 0; i < count; i++) {
        x[i] = cap * onr_vtanh(x[i] / cap);
    }
}

void ONR_KERNEL(onr_fill_attention_softmax)(struct onr_kernels *kernels)
{
    struct onr_attention_kernels *own = &kernels->attention;
    own->softmax_step_f32 = softmax_step_f32;
    own->last_above_f32 = last_above_f32;
    own->last_set_u8 = last_set_u8;
    own->run_between_f32 = run_between_f32;
    own->run_alike_u8 = run_alike_u8;
    own->softcap_f32 = softcap_f32;
}
