/* SPDX-License-Identifier: Apache-2.0 */
/* What is not needed any more when a node computes its output from something else. */
#include "graph/passes/fuse.h"

/* Values that lose uses. */
struct fading {
    struct {
        uint32_t value, uses;
        bool is_gone;
    } rows[64];
    size_t count;
};

static void drop_uses(const struct onr_fuser *fuser, struct fading *f, const struct onr_node *node)
{
    for (uint32_t i = 0; i < node->input_count; i++) {
        size_t at = 0;
        while (at < f->count && f->rows[at].value != node->inputs[i]) {
            at++;
        }
        if (at == f->count && at < sizeof f->rows / sizeof f->rows[0] &&
            onr_fuse_any_producer(fuser, node->inputs[i]) != NULL) {
            f->rows[at].value = node->inputs[i];
            f->count++;
        }
        if (at < f->count) {
            f->rows[at].uses++;
        }
    }
}

bool onr_fuse_goes(const struct onr_fuser *fuser, const struct onr_node *last, uint32_t value)
{
    struct fading f = {.count = 0};
    drop_uses(fuser, &f, last);
    for (size_t i = 0; i < f.count; i++) {
        const struct onr_node *node = onr_fuse_any_producer(fuser, f.rows[i].value);
        if (f.rows[i].is_gone || node == NULL || node->output_count != 1 ||
            f.rows[i].uses != onr_fuse_use_count(fuser, f.rows[i].value)) {
            continue;
        }
        if (f.rows[i].value == value) {
            return true;
        }
        f.rows[i].is_gone = true;
        drop_uses(fuser, &f, node);
        i = (size_t)-1; /* others may have lost their last use */
    }
    return false;
}
