/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Embedding onnxrun in a program: classify an 8x8 image with the committed Vision Transformer.
 *
 *     cc embed.c $(pkg-config --cflags --libs onnxrun) -o embed && ./embed digits-vit-ts.onnx
 */
#include <onnxrun/onnxrun.h>
#include <stdio.h>

/* A hand-drawn zero, brightness 0 to 16 as in the scikit-learn digits. */
static const int zero[64] = {0, 0, 5,  13, 9,  1,  0, 0, 0, 0, 13, 15, 10, 15, 5, 0,
                             0, 3, 15, 2,  0,  11, 8, 0, 0, 4, 12, 0,  0,  8,  8, 0,
                             0, 5, 8,  0,  0,  9,  8, 0, 0, 4, 11, 0,  1,  12, 7, 0,
                             0, 2, 14, 5,  10, 12, 0, 0, 0, 0, 6,  13, 10, 0,  0, 0};

static int classify(onnxrun_model *model, onnxrun_error *error)
{
    const int64_t shape[4] = {1, 1, 8, 8};
    float pixels[64];
    for (int i = 0; i < 64; i++) {
        pixels[i] = (float)zero[i] / 16.0f;
    }
    int best = -1;
    onnxrun_session *session = NULL;
    onnxrun_tensor *image = NULL;
    onnxrun_binding output = {"logits", NULL};
    if (onnxrun_session_create(model, NULL, &session, error) == ONNXRUN_OK &&
        onnxrun_tensor_wrap(ONNXRUN_FLOAT, 4, shape, pixels, sizeof pixels, &image, error) ==
            ONNXRUN_OK) {
        onnxrun_binding input = {"image", image};
        if (onnxrun_session_run(session, &input, 1, &output, 1, error) == ONNXRUN_OK) {
            const float *logits = onnxrun_tensor_data(output.tensor);
            best = 0;
            for (int c = 1; c < 10; c++) {
                best = logits[c] > logits[best] ? c : best;
            }
        }
    }
    onnxrun_tensor_free(image);
    onnxrun_session_free(session);
    return best;
}

int main(int argc, char **argv)
{
    onnxrun_error error = {ONNXRUN_OK, ""};
    onnxrun_model *model = NULL;
    int digit = -1;
    if (argc == 2 && onnxrun_model_load(argv[1], NULL, &model, &error) == ONNXRUN_OK) {
        digit = classify(model, &error);
    }
    onnxrun_model_free(model);
    if (digit < 0) {
        fprintf(stderr, "embed: %s\n", argc == 2 ? error.message : "usage: embed MODEL");
        return 1;
    }
    printf("digit: %d\n", digit);
    return 0;
}
