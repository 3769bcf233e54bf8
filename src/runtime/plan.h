/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan: a program for concrete shapes. Every shape and every value that follows from shapes
 * alone is computed here, every intermediate gets its place in one slab, and what is left is a list
 * of steps.
 *
 * A plan covers a segment of the nodes. A segment ends before a node whose output shape depends on
 * contents that are only there at run time, and after a node that makes its output shape itself.
 * The plan of the next segment is a child of this one, chosen by those contents or shapes; so plans
 * form a tree.
 */
#ifndef ONR_RUNTIME_PLAN_H
#define ONR_RUNTIME_PLAN_H

#include "runtime/memory_plan.h"
#include "runtime/program.h"

#define ONR_MAX_ROOT_PLANS  16
#define ONR_MAX_CHILD_PLANS 8

struct onr_step {
    uint32_t node; /* index in the program */
    const void *plan;
    struct onr_tensor *
        *inputs; /* [input_count], pointing into the frame's tensors; NULL where absent */
    struct onr_tensor **outputs; /* [output_count] */
    size_t workspace_offset;     /* in the slab */
    size_t workspace_bytes;      /* 0: none */
    uint64_t flops;
    size_t live_bytes; /* of the slab, while it runs */
    bool is_steady;    /* all runs would do the same */
    struct onr_told told;
};

/* What must be equal for a cached plan to be used: a value's dtype and shape, and its data when not
 * NULL. */
struct onr_plan_key {
    uint32_t id;
    struct onr_tensor tensor;
};

struct onr_plan;

struct onr_plan_cache {
    struct onr_plan *first; /* most recently used */
    struct onr_plan *spare; /* empty ones, which have memory */
    uint32_t count;         /* without those */
    uint32_t capacity;
};

struct onr_plan {
    struct onr_arena arena;
    struct onr_plan *next; /* in the cache */
    struct onr_plan_cache children;
    struct onr_plan_key *keys;
    uint32_t key_count;
    uint32_t begin_node; /* segment [begin, end) */
    uint32_t end_node;
    const struct onr_plan_value **values; /* [value_count]; NULL: not yet known */
    /* The values that this segment defines: those that lie where other values are ... */
    const struct onr_plan_value *views;
    const struct onr_plan_value *binds; /* ... and all others, which a run leaves as they are */
    struct onr_step *steps;             /* [step_count] */
    uint32_t step_count;
    struct onr_memory_plan memory;
    uint32_t *cut_values; /* [cut_count] values that choose the child */
    uint32_t cut_count;
    bool cut_by_data;      /* by their contents, else by their shapes */
    uint64_t flops;        /* of this segment */
    bool keeps_steady;     /* what steady steps write is kept, as far as others read it ... */
    struct onr_arena kept; /* ... here, so that arena needs much the same for all shapes ... */
    size_t kept_bytes;
    bool is_warm; /* ... and has been written: runs leave these steps out */
};

struct onr_plan_options {
    const struct onr_program *program;
    const struct onr_eval *eval;
    struct onr_tensor
        *tensors; /* of the frame, [value_count]; current shapes (and data, after a cut by data) */
    struct onr_plan *parent; /* NULL: plan the first segment */
    bool wants_weights;      /* of attention */
};

/* The cached plan whose keys match the tensors, moved to the front; NULL when there is none. */
struct onr_plan *onr_plan_find(struct onr_plan_cache *cache, const struct onr_tensor *tensors);

/*
 * Gives the cache memory for all plans that it will hold and touches it: to touch new pages may take
 * longer than to plan. It is as much as plans of so many nodes mostly need, but no more than a hundredth
 * of the constants, and of what may still be allocated.
 */
void onr_plan_cache_reserve(struct onr_plan_cache *cache, const struct onr_program *program,
                            struct onr_mem *mem);

/* Builds the plan for the current tensors and puts it into the cache, which may evict another one.
 */
enum onr_status onr_plan_build(const struct onr_plan_options *options, struct onr_plan_cache *cache,
                               struct onr_plan **plan, struct onr_error *err) ONR_MUST_USE;

/* Frees all plans of a cache, and its memory. */
void onr_plan_cache_free(struct onr_plan_cache *cache);

#endif
