/* SPDX-License-Identifier: Apache-2.0 */
/* Which experts a token is given to, and what their results weigh. */
#include "ops/common/float_io.h"
#include "ops/contrib/moe.h"

#include <math.h>

/* How near logits have to come to the best one to count, in the sparse mixer. */
#define JITTER 0.01f

/* Larger logits come first, NaN before all, and of equal ones the lower number. */
static bool comes_before(const float *logits, size_t a, size_t b)
{
    bool a_is_nan = isnan(logits[a]);
    bool b_is_nan = isnan(logits[b]);
    if (a_is_nan != b_is_nan) {
        return a_is_nan;
    }
    return a_is_nan || logits[a] == logits[b] ? a < b : logits[a] > logits[b];
}

static void choose(const float *logits, size_t experts, size_t k, uint32_t *expert)
{
    for (size_t j = 0; j < k; j++) {
        size_t best = experts;
        for (size_t e = 0; e < experts; e++) {
            bool is_left = j == 0 || comes_before(logits, expert[j - 1], e);
            if (is_left && (best == experts || comes_before(logits, e, best))) {
                best = e;
            }
        }
        expert[j] = (uint32_t)best;
    }
}

static void softmax(const float *logits, size_t experts, size_t k, const uint32_t *expert,
                    bool is_over_all, float *weight)
{
    float max = logits[expert[0]];
    float sum = 0.0f;
    for (size_t e = 0; is_over_all && e < experts; e++) {
        sum += expf(logits[e] - max);
    }
    for (size_t j = 0; j < k; j++) {
        weight[j] = expf(logits[expert[j]] - max);
        sum += is_over_all ? 0.0f : weight[j];
    }
    for (size_t j = 0; j < k; j++) {
        weight[j] /= sum;
    }
}

/* Each of two experts has its share among those whose logits are within 2% of its own; the first
 * does not count for the second. */
static void mix_sparsely(const float *logits, size_t experts, const uint32_t *expert, float *weight)
{
    for (size_t j = 0; j < 2; j++) {
        float max = logits[expert[j]];
        float sum = 0.0f;
        for (size_t e = 0; e < experts; e++) {
            float factor = fmaxf(fabsf(logits[e]), max);
            bool is_out = max - logits[e] > 2.0f * JITTER * factor || (j == 1 && e == expert[0]);
            sum += is_out ? 0.0f : expf(logits[e] - max);
        }
        weight[j] = 1.0f / sum;
    }
}

static void normalize(size_t k, float *weight)
{
    float sum = 0.0f;
    for (size_t j = 0; j < k; j++) {
        sum += weight[j];
    }
    for (size_t j = 0; j < k; j++) {
        weight[j] = sum == 0.0f ? 0.0f : weight[j] / sum;
    }
}

void onr_moe_route(const struct onr_moe_routing_job *job, size_t token, float *buffer,
                   uint32_t *expert, float *weight)
{
    const struct onr_moe_config *config = job->config;
    size_t k = config->k;
    size_t first = token * job->experts;
    const float *logits = onr_float_read(job->dtype, job->logits, first, job->experts, buffer);
    choose(logits, job->experts, k, expert);
    switch (config->routing) {
    case ONR_MOE_GIVEN:
        for (size_t j = 0; j < k; j++) {
            onr_float_gather(job->dtype, job->weights, first + expert[j], 1, 1, &weight[j]);
        }
        break;
    case ONR_MOE_SPARSE:
        mix_sparsely(logits, job->experts, expert, weight);
        break;
    default:
        softmax(logits, job->experts, k, expert, config->routing == ONR_MOE_SOFTMAX, weight);
        break;
    }
    if (config->is_normalized) {
        normalize(k, weight);
    }
}
