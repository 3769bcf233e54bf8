/* SPDX-License-Identifier: Apache-2.0 */
/* Selection between two operands: the same for all types of one size, which are only copied. */
#include "kernels/elementwise/binary.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

void ONR_KERNEL(onr_fill_select)(struct onr_kernels *kernels);

/* The elements are of another type than these words; the attribute tells the compiler. */
typedef uint16_t __attribute__((may_alias)) word16;
typedef uint32_t __attribute__((may_alias)) word32;
typedef uint64_t __attribute__((may_alias)) word64;
typedef uint64_t __attribute__((vector_size(16), aligned(8), may_alias)) word128;

/* Elements that are selected together; they stay in the first level cache. */
#define BLOCK 256

/* The loops over words of one size. */
struct word_loops {
    size_t size;
    void (*fill)(size_t count, const void *value, void *z);
    void (*choose)(size_t count, const uint8_t *c, const void *x, const void *y, void *z);
};

/* An operand as the loops see it. */
struct operand {
    const char *data;
    size_t step; /* bytes from element to element, of those that are no block of equal ones */
};

/* One value is spread over a block, which is read instead: there is one loop for all steps. */
static struct operand find_operand(size_t count, const void *data, size_t step,
                                   const struct word_loops *word, void *block)
{
    if (step != 0 || count == 0) {
        return (struct operand){data, word->size};
    }
    word->fill(count < BLOCK ? count : BLOCK, data, block);
    return (struct operand){block, 0};
}

static void select_words(size_t count, const void *condition, size_t condition_step, const void *a,
                         size_t a_step, const void *b, size_t b_step, void *out,
                         const struct word_loops *bytes, const struct word_loops *word)
{
    uint8_t c_block[BLOCK];
    word128 x_block[BLOCK];
    word128 y_block[BLOCK];
    struct operand c = find_operand(count, condition, condition_step, bytes, c_block);
    struct operand x = find_operand(count, a, a_step, word, x_block);
    struct operand y = find_operand(count, b, b_step, word, y_block);
    char *z = out;
    for (size_t begin = 0; begin < count; begin += BLOCK) {
        size_t n = count - begin < BLOCK ? count - begin : BLOCK;
        word->choose(n, (const uint8_t *)c.data + begin * c.step, x.data + begin * x.step,
                     y.data + begin * y.step, z + begin * word->size);
    }
}

#define SELECT(name, type)                                                                         \
    static void fill_##name(size_t count, const void *value, void *z)                              \
    {                                                                                              \
        const type word = *(const type *)value;                                                    \
        type *to = z;                                                                              \
        for (size_t i = 0; i < count; i++) {                                                       \
            to[i] = word;                                                                          \
        }                                                                                          \
    }                                                                                              \
    static void choose_##name(size_t count, const uint8_t *c, const void *a, const void *b,        \
                              void *out)                                                           \
    {                                                                                              \
        const type *x = a;                                                                         \
        const type *y = b;                                                                         \
        type *z = out;                                                                             \
        ONR_IVDEP                                                                                  \
        for (size_t i = 0; i < count; i++) {                                                       \
            const type yes = x[i];                                                                 \
            const type no = y[i];                                                                  \
            z[i] = c[i] != 0 ? yes : no;                                                           \
        }                                                                                          \
    }                                                                                              \
    static const struct word_loops loops_##name = {sizeof(type), fill_##name, choose_##name};      \
    static void select_##name(size_t count, const void *condition, size_t condition_step,          \
                              const void *a, size_t a_step, const void *b, size_t b_step,          \
                              void *out)                                                           \
    {                                                                                              \
        select_words(count, condition, condition_step, a, a_step, b, b_step, out, &loops_8,        \
                     &loops_##name);                                                               \
    }

SELECT(8, uint8_t)
SELECT(16, word16)
SELECT(32, word32)
SELECT(64, word64)
SELECT(128, word128)

void ONR_KERNEL(onr_fill_select)(struct onr_kernels *kernels)
{
    onr_select_fn *select = kernels->binary.select;
    select[0] = select_8;
    select[1] = select_16;
    select[2] = select_32;
    select[3] = select_64;
    select[4] = select_128;
}
