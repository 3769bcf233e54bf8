/* SPDX-License-Identifier: Apache-2.0 */
/* Names by their distance: letters that are inserted, left out or replaced. */
#include "common/nearest.h"

#include <stdlib.h>
#include <string.h>

#define MAX_LENGTH 128 /* of a name that is compared */
#define MIN_PART   3   /* of one that is looked for within others */

/* By dynamic programming over the letters of both, a row at a time. */
static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t row[MAX_LENGTH + 1];
    for (size_t j = 0; j <= b_length; j++) {
        row[j] = j;
    }
    for (size_t i = 0; i < a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b_length; j++) {
            size_t replaced = diagonal + (a[i] != b[j]);
            size_t shifted = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;
            diagonal = row[j + 1];
            row[j + 1] = replaced < shifted ? replaced : shifted;
        }
    }
    return row[b_length];
}

/* Most letters that may differ: a third of those that are wanted. A name that holds all that is
 * wanted counts as one that differs in one letter. */
static bool is_near(const char *wanted, const char *name, size_t length, size_t *distance)
{
    size_t wanted_length = strlen(wanted);
    if (wanted_length == 0 || wanted_length > MAX_LENGTH || length > MAX_LENGTH) {
        return false;
    }
    for (size_t i = 0; wanted_length >= MIN_PART && i + wanted_length <= length; i++) {
        if (memcmp(name + i, wanted, wanted_length) == 0) {
            *distance = 1;
            return true;
        }
    }
    *distance = edit_distance(wanted, wanted_length, name, length);
    return *distance <= (wanted_length + 2) / 3;
}

void nearest_offer(struct nearest *nearest, const char *name, size_t length)
{
    size_t distance;
    if (!is_near(nearest->wanted, name, length, &distance)) {
        return;
    }
    size_t at = nearest->count;
    while (at > 0 && nearest->distances[at - 1] > distance) {
        at--;
    }
    if (at == NEAREST_COUNT) {
        return;
    }
    if (nearest->count == NEAREST_COUNT) {
        free(nearest->names[--nearest->count]);
    }
    size_t behind = nearest->count++ - at;
    memmove(&nearest->names[at + 1], &nearest->names[at], behind * sizeof nearest->names[0]);
    memmove(&nearest->distances[at + 1], &nearest->distances[at], behind * sizeof distance);
    nearest->names[at] = tool_printf("%.*s", (int)length, name);
    nearest->distances[at] = distance;
}

const char *nearest_text(struct nearest *nearest, char text[NEAREST_TEXT_BYTES])
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < nearest->count; i++) {
        int length = snprintf(text + used, NEAREST_TEXT_BYTES - used, "%s\"%s\"",
                              i == 0 ? "; did you mean " : ", ", nearest->names[i]);
        used += length > 0 ? (size_t)length : 0;
        free(nearest->names[i]);
    }
    (void)snprintf(text + used, NEAREST_TEXT_BYTES - used, "%s", nearest->count > 0 ? "?" : "");
    return text;
}
