/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of products of codes for any machine. */
#include "kernels/kernels.h"

void onr_fill_nbits_dot__scalar(struct onr_kernels *kernels);

#define COLUMNS ONR_NBITS_COLUMNS

/* Adds the products of one block of all columns to sums. */
static void add_block(const struct onr_nbits_panel *panel, const uint8_t *packed,
                      const int8_t *codes, int32_t *sums)
{
    const unsigned fields = 8 / panel->bits;
    const int32_t mask = (1 << panel->bits) - 1;
    for (size_t u = 0; u < panel->block_bytes / 4; u++, packed += 4 * COLUMNS) {
        for (unsigned f = 0; f < fields; f++, codes += 4) {
            for (size_t c = 0; c < COLUMNS; c++) {
                for (size_t i = 0; i < 4; i++) {
                    sums[c] += (packed[c * 4 + i] >> (f * panel->bits) & mask) * codes[i];
                }
            }
        }
    }
}

static void dot(const struct onr_nbits_panel *panel, const struct onr_nbits_rows *rows,
                size_t row_count, float *y)
{
    const size_t size = panel->block_bytes * 8 / panel->bits;
    for (size_t r = 0; r < row_count; r++, y += COLUMNS) {
        for (size_t c = 0; c < COLUMNS; c++) {
            y[c] = 0.0f;
        }
        for (size_t b = 0; b < panel->blocks; b++) {
            size_t at = r * panel->blocks + b;
            int32_t sums[COLUMNS];
            for (size_t c = 0; c < COLUMNS; c++) {
                float zero = panel->zeros != NULL ? panel->zeros[b * COLUMNS + c] : panel->zero;
                sums[c] = (int32_t)zero * -rows->sums[at];
            }
            add_block(panel, panel->packed + b * panel->block_bytes * COLUMNS,
                      rows->codes + at * size, sums);
            for (size_t c = 0; c < COLUMNS; c++) {
                y[c] += (float)sums[c] * (panel->scales[b * COLUMNS + c] * rows->scales[at]);
            }
        }
    }
}

void onr_fill_nbits_dot__scalar(struct onr_kernels *kernels)
{
    kernels->nbits.dot = kernels->nbits.dot_plain = dot;
}
