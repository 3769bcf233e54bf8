/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JPEG through libjpeg-turbo, with its defaults: accurate transform, smooth upsampling. Images of four
 * colours are not decoded. All that the library allocates belongs to its decompressor, so that an
 * error, which it leaves by longjmp, frees everything with it.
 */
#include "ops/image/codec.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>
/* jpeglib.h needs stdio.h */
#include <jerror.h>
#include <jpeglib.h>

/* More scans cost time without being in any real image. */
#define MAX_SCANS 500
/* What the library may take for the coefficients of a whole image. */
#define MAX_BYTES (1L << 30)

struct reader {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf back;
};

static void leave(j_common_ptr common)
{
    struct reader *reader = common->client_data;
    longjmp(reader->back, 1);
}

/* A file that ends too early is an error, too; the library would go on with gray. */
static void take_message(j_common_ptr common, int level)
{
    int code = common->err->msg_code;
    if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER)) {
        leave(common);
    }
}

static void print_nothing(j_common_ptr common)
{
    (void)common;
}

static void count_scans(j_common_ptr common)
{
    const struct reader *reader = common->client_data;
    if (reader->jpeg.input_scan_number > MAX_SCANS) {
        leave(common);
    }
}

static bool read_image(struct reader *reader, const struct onr_picture *picture)
{
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    jpeg_create_decompress(jpeg);
    jpeg->progress = &reader->progress;
    jpeg->mem->max_memory_to_use = MAX_BYTES;
    jpeg_mem_src(jpeg, picture->data, picture->size);
    (void)jpeg_read_header(jpeg, TRUE);
    if (jpeg->num_components > 3) {
        return false;
    }
    jpeg->out_color_space = JCS_RGB;
    uint8_t *rgb = picture->room(picture->arg, jpeg->image_height, jpeg->image_width);
    if (rgb == NULL) {
        return false;
    }
    (void)jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = rgb + (size_t)jpeg->output_scanline * jpeg->output_width * 3;
        (void)jpeg_read_scanlines(jpeg, &row, 1);
    }
    (void)jpeg_finish_decompress(jpeg);
    return true;
}

bool onr_decode_jpeg(const struct onr_picture *picture)
{
    struct reader reader;
    volatile bool is_done = false;
    memset(&reader, 0, sizeof reader);
    reader.jpeg.err = jpeg_std_error(&reader.errors);
    reader.jpeg.client_data = &reader;
    reader.errors.error_exit = leave;
    reader.errors.emit_message = take_message;
    reader.errors.output_message = print_nothing;
    reader.progress.progress_monitor = count_scans;
    if (setjmp(reader.back) == 0) {
        is_done = read_image(&reader, picture);
    }
    jpeg_destroy_decompress(&reader.jpeg);
    return is_done;
}
