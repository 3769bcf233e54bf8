/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

/* The image of most files: 2 rows of red, green, blue, and three colours. */
static const uint8_t six_colours[] = {255, 0,  0,  0,   255, 0,  0,   0,   255,
                                      10,  20, 30, 200, 100, 50, 255, 255, 255};

/* 3 x 2 pixels with transparency, interlaced. */
static const uint8_t png_interlaced[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44,
    0x52, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x02, 0x08, 0x06, 0x00, 0x00, 0x01, 0xea,
    0x73, 0x56, 0x8c, 0x00, 0x00, 0x00, 0x1f, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0xf8,
    0xcf, 0xc0, 0x00, 0x44, 0x0c, 0xff, 0x1b, 0x20, 0x34, 0x97, 0x88, 0x1c, 0xe3, 0x89, 0x14,
    0x23, 0xa6, 0xff, 0xff, 0xff, 0x33, 0x03, 0x00, 0x75, 0xfa, 0x09, 0x1a, 0x41, 0x5b, 0xbc,
    0x59, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};
/* 2 x 1 pixels of 16 bits. */
static const uint8_t png_gray16[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48,
    0x44, 0x52, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x01, 0x10, 0x00, 0x00, 0x00,
    0x00, 0x81, 0xd9, 0xfc, 0x15, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x44, 0x41, 0x54, 0x78,
    0xda, 0x63, 0x10, 0x32, 0xf9, 0xcf, 0x00, 0x00, 0x02, 0xe7, 0x01, 0x46, 0xa0, 0xa5,
    0x9e, 0x52, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};
/* 3 x 2 pixels of one colour. */
static const uint8_t jpeg_plain[] = {
    0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, 0x4a, 0x46, 0x49, 0x46, 0x00, 0x01, 0x01, 0x00, 0x00, 0x01,
    0x00, 0x01, 0x00, 0x00, 0xff, 0xdb, 0x00, 0x43, 0x00, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01,
    0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01,
    0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01,
    0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01,
    0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0xff, 0xdb, 0x00, 0x43, 0x01, 0x01, 0x01,
    0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01,
    0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01,
    0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01,
    0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0xff, 0xc0,
    0x00, 0x11, 0x08, 0x00, 0x02, 0x00, 0x03, 0x03, 0x01, 0x11, 0x00, 0x02, 0x11, 0x01, 0x03, 0x11,
    0x01, 0xff, 0xc4, 0x00, 0x14, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x06, 0xff, 0xc4, 0x00, 0x14, 0x10, 0x01, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xc4, 0x00,
    0x14, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x09, 0xff, 0xc4, 0x00, 0x14, 0x11, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xda, 0x00, 0x0c, 0x03, 0x01, 0x00,
    0x02, 0x11, 0x03, 0x11, 0x00, 0x3f, 0x00, 0x3e, 0x2b, 0xcd, 0x83, 0xff, 0xd9};
static const uint8_t webp_lossless[] = {
    0x52, 0x49, 0x46, 0x46, 0x42, 0x00, 0x00, 0x00, 0x57, 0x45, 0x42, 0x50, 0x56, 0x50, 0x38,
    0x4c, 0x36, 0x00, 0x00, 0x00, 0x2f, 0x02, 0x40, 0x00, 0x00, 0x2f, 0x40, 0x90, 0x6d, 0xb3,
    0x41, 0xdc, 0xeb, 0xfe, 0x32, 0xd3, 0x20, 0x93, 0xb6, 0xc9, 0x5f, 0xff, 0x76, 0x66, 0x6d,
    0x64, 0xd2, 0x36, 0xad, 0x87, 0xfd, 0xf3, 0xaf, 0xb2, 0xf3, 0x1f, 0x68, 0xe4, 0x91, 0xac,
    0xfb, 0x06, 0x04, 0x02, 0x94, 0xb1, 0xe2, 0x81, 0x6d, 0x22, 0xfa, 0x1f, 0xe3, 0x05};
static const uint8_t tiff_lzw[] = {
    0x49, 0x49, 0x2a, 0x00, 0x1a, 0x00, 0x00, 0x00, 0x80, 0x3f, 0xc0, 0x10, 0x38, 0x14, 0x10, 0x14,
    0x14, 0x0f, 0x32, 0x0c, 0x83, 0x27, 0xfc, 0x36, 0x02, 0x00, 0x0a, 0x00, 0x00, 0x01, 0x03, 0x00,
    0x01, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x01, 0x01, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00,
    0x02, 0x00, 0x00, 0x00, 0x02, 0x01, 0x03, 0x00, 0x03, 0x00, 0x00, 0x00, 0x98, 0x00, 0x00, 0x00,
    0x03, 0x01, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0x06, 0x01, 0x03, 0x00,
    0x01, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x11, 0x01, 0x04, 0x00, 0x01, 0x00, 0x00, 0x00,
    0x08, 0x00, 0x00, 0x00, 0x15, 0x01, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00,
    0x16, 0x01, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x17, 0x01, 0x04, 0x00,
    0x01, 0x00, 0x00, 0x00, 0x11, 0x00, 0x00, 0x00, 0x1c, 0x01, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00,
    0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x08, 0x00, 0x08, 0x00, 0x08, 0x00};

static void begin(struct op_test *t, const char *format, size_t count, const uint8_t *bytes)
{
    op_test_begin(t, "", "ImageDecoder", 20);
    if (format != NULL) {
        op_test_string(t, "pixel_format", format);
    }
    op_test_input(t, test_tensor(ONR_UINT8, SHAPE((int64_t)count), bytes));
}

static void decodes(size_t count, const uint8_t *bytes, const struct onr_tensor *image)
{
    struct op_test t;
    begin(&t, NULL, count, bytes);
    op_test_output(&t, image);
    op_test_run(&t);
}

static void is_empty(size_t count, const uint8_t *bytes)
{
    decodes(count, bytes, test_tensor(ONR_UINT8, SHAPE(0, 0, 3), NULL));
}

static const struct onr_tensor *six(void)
{
    return test_tensor(ONR_UINT8, SHAPE(2, 3, 3), six_colours);
}

static void each_format_gives_its_pixels(void **state)
{
    (void)state;
    static const uint8_t plain[] = {200, 100, 50, 200, 100, 50, 200, 100, 50,
                                    200, 100, 50, 200, 100, 50, 200, 100, 50};
    static const uint8_t gray[] = {0x12, 0x12, 0x12, 0xff, 0xff, 0xff};
    decodes(sizeof png_interlaced, png_interlaced, six());
    decodes(sizeof png_gray16, png_gray16, test_tensor(ONR_UINT8, SHAPE(1, 2, 3), gray));
    decodes(sizeof webp_lossless, webp_lossless, six());
    decodes(sizeof tiff_lzw, tiff_lzw, six());
    decodes(sizeof jpeg_plain, jpeg_plain, test_tensor(ONR_UINT8, SHAPE(2, 3, 3), plain));
}

static void pixels_in_other_orders(void **state)
{
    (void)state;
    static const uint8_t turned[] = {0,  0,  255, 0,  255, 0,   255, 0,   0,
                                     30, 20, 10,  50, 100, 200, 255, 255, 255};
    static const uint8_t gray[] = {76, 150, 29, 18, 124, 255};
    struct op_test t;
    begin(&t, "BGR", sizeof tiff_lzw, tiff_lzw);
    op_test_output(&t, test_tensor(ONR_UINT8, SHAPE(2, 3, 3), turned));
    op_test_run(&t);
    begin(&t, "Grayscale", sizeof tiff_lzw, tiff_lzw);
    op_test_output(&t, test_tensor(ONR_UINT8, SHAPE(2, 3, 1), gray));
    op_test_run(&t);
}

/* A BMP file of 3 x 2 pixels. */
struct bmp {
    uint8_t bytes[128];
    size_t size;
};

static void put(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

static struct bmp make_bmp(uint8_t bits, int32_t height, uint32_t compression, size_t extra_bytes,
                           const uint8_t *extra, size_t pixel_bytes, const uint8_t *pixels)
{
    struct bmp bmp = {.bytes = {'B', 'M'}, .size = 54 + extra_bytes + pixel_bytes};
    put(bmp.bytes + 10, (uint32_t)(54 + extra_bytes));
    put(bmp.bytes + 14, 40);
    put(bmp.bytes + 18, 3);
    put(bmp.bytes + 22, (uint32_t)height);
    bmp.bytes[26] = 1;
    bmp.bytes[28] = bits;
    put(bmp.bytes + 30, compression);
    for (size_t i = 0; i < extra_bytes; i++) {
        bmp.bytes[54 + i] = extra[i];
    }
    for (size_t i = 0; i < pixel_bytes; i++) {
        bmp.bytes[54 + extra_bytes + i] = pixels[i];
    }
    return bmp;
}

/* Rows of 24 bits from the top; padded to 12 bytes. */
static const uint8_t rows_24[] = {0,  0,  255, 0,  255, 0,   255, 0,   0,   0, 0, 0,
                                  30, 20, 10,  50, 100, 200, 255, 255, 255, 0, 0, 0};
/* The six colours as a palette of 16, and the pixels in it. */
static const uint8_t palette[64] = {0,  0,  255, 0, 0,  255, 0,   0, 255, 0,   0,   0,
                                    30, 20, 10,  0, 50, 100, 200, 0, 255, 255, 255, 0};
static const uint8_t rows_4[] = {0x34, 0x50, 0, 0, 0x01, 0x20, 0, 0};

static void bitmaps_of_all_depths(void **state)
{
    (void)state;
    static const uint8_t two[] = {0, 0, 255, 0, 255, 255, 255, 0};
    static const uint8_t rows_1[] = {0xa0, 0, 0, 0, 0x40, 0, 0, 0};
    static const uint8_t expected_1[] = {255, 0,   0,   255, 255, 255, 255, 0,   0,
                                         255, 255, 255, 255, 0,   0,   255, 255, 255};
    static const uint8_t rows_16[] = {0x1f, 0, 0xe0, 0x03, 0, 0x7c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t expected_16[] = {0, 0, 0,   0, 0,   0, 0,   0, 0,
                                          0, 0, 255, 0, 255, 0, 255, 0, 0};
    static const uint8_t masks[] = {0xff, 0, 0, 0, 0, 0xff, 0, 0, 0, 0, 0xff, 0};
    static const uint8_t rows_32[] = {255, 0,  0,  0, 0,   255, 0,  0, 0,   0,   255, 0,
                                      10,  20, 30, 0, 200, 100, 50, 0, 255, 255, 255, 0};
    struct bmp bmp = make_bmp(24, -2, 0, 0, NULL, sizeof rows_24, rows_24);
    decodes(bmp.size, bmp.bytes, six());
    bmp = make_bmp(4, 2, 0, sizeof palette, palette, 4, rows_4);
    bmp.bytes[22] = 1;
    decodes(bmp.size, bmp.bytes, test_tensor(ONR_UINT8, SHAPE(1, 3, 3), six_colours + 9));
    bmp = make_bmp(1, 2, 0, sizeof two, two, sizeof rows_1, rows_1);
    decodes(bmp.size, bmp.bytes, test_tensor(ONR_UINT8, SHAPE(2, 3, 3), expected_1));
    bmp = make_bmp(16, 2, 0, 0, NULL, sizeof rows_16, rows_16);
    decodes(bmp.size, bmp.bytes, test_tensor(ONR_UINT8, SHAPE(2, 3, 3), expected_16));
    bmp = make_bmp(32, -2, 3, sizeof masks, masks, sizeof rows_32, rows_32);
    decodes(bmp.size, bmp.bytes, six());
}

static void broken_bitmaps_are_empty(void **state)
{
    (void)state;
    const struct {
        size_t at;
        uint32_t value;
    } changes[] = {{10, 100}, {10, UINT32_MAX}, {14, 12},         {18, 0}, {18, UINT32_MAX},
                   {22, 3},   {22, 1u << 31},   {18, 0x7fffffff}, {28, 7}, {30, 1}};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct bmp bmp = make_bmp(24, -2, 0, 0, NULL, sizeof rows_24, rows_24);
        put(bmp.bytes + changes[i].at, changes[i].value);
        is_empty(bmp.size, bmp.bytes);
    }
    struct bmp bmp = make_bmp(4, 1, 0, 20, palette, sizeof rows_4, rows_4);
    bmp.bytes[46] = 5; /* colours, but the first pixel has number 3, the third 5 */
    is_empty(bmp.size, bmp.bytes);
    bmp.bytes[46] = 14;
    is_empty(bmp.size, bmp.bytes);
}

static void portable_maps_of_all_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        uint8_t rgb[6];
    } cases[] = {
        {"P1 # c\n2 1\n01", 13, {255, 255, 255, 0, 0, 0}},
        {"P2 2 1 10 5 10", 14, {128, 128, 128, 255, 255, 255}},
        {"P3\n2\t1\n255\n1 2 3\n4 5 6\n", 22, {1, 2, 3, 4, 5, 6}},
        {"P4 2 1\n\x80", 8, {0, 0, 0, 255, 255, 255}},
        {"P5 2 1 256\n\x01\x00\x00\x80", 15, {255, 255, 255, 128, 128, 128}},
        {"P6 2 1 255 ABCDEF", 17, {65, 66, 67, 68, 69, 70}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        decodes(cases[i].size, (const uint8_t *)cases[i].text,
                test_tensor(ONR_UINT8, SHAPE(1, 2, 3), cases[i].rgb));
        is_empty(cases[i].size - (i == 1 || i == 2 ? 2 : 1), (const uint8_t *)cases[i].text);
    }
    is_empty(14, (const uint8_t *)"P2 2 1 10 5 11");
    is_empty(13, (const uint8_t *)"P2 2 1 0 0 0 ");
    is_empty(13, (const uint8_t *)"P7 2 1 1 0 0 ");
    is_empty(13, (const uint8_t *)"P2 0 1 1 0 0 ");
}

static void data_that_ends_too_early_is_empty(void **state)
{
    (void)state;
    const struct {
        const uint8_t *bytes;
        size_t size;
    } files[] = {{png_interlaced, sizeof png_interlaced},
                 {jpeg_plain, sizeof jpeg_plain},
                 {webp_lossless, sizeof webp_lossless},
                 {tiff_lzw, sizeof tiff_lzw}};
    for (size_t i = 0; i < 4; i++) {
        is_empty(files[i].size / 2, files[i].bytes);
        is_empty(12, files[i].bytes);
    }
    is_empty(0, NULL);
    is_empty(1, (const uint8_t *)"P");
    is_empty(5, (const uint8_t *)"hello");
    struct op_test t;
    begin(&t, "Grayscale", 5, (const uint8_t *)"hello");
    op_test_output(&t, test_tensor(ONR_UINT8, SHAPE(0, 0, 1), NULL));
    op_test_run(&t);
}

static void what_is_not_decoded_is_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, NULL, 12, (const uint8_t *)"\0\0\0\x0cjP  \r\n\x87\n");
    op_test_output(&t, test_tensor(ONR_UINT8, SHAPE(0, 0, 3), NULL));
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "JPEG 2000 is not decoded, only BMP, JPEG, PNG, PNM");
    begin(&t, NULL, 24, (const uint8_t *)"P6 999999999 999999999 1");
    op_test_output(&t, test_tensor(ONR_UINT8, SHAPE(0, 0, 3), NULL));
    op_test_fails(&t, ONR_ERR_LIMIT, "an image of 999999999 x 999999999 pixels has more than");
    begin(&t, "RGBA", 1, (const uint8_t *)"P");
    op_test_output(&t, test_tensor(ONR_UINT8, SHAPE(0, 0, 3), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "attribute pixel_format is \"RGBA\", expected RGB, BGR");
    begin(&t, NULL, 1, (const uint8_t *)"P");
    t.inputs[0] = test_tensor(ONR_UINT8, SCALAR, NULL);
    op_test_output(&t, test_tensor(ONR_UINT8, SHAPE(0, 0, 3), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "rank");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(each_format_gives_its_pixels, test_tensors_free),
        cmocka_unit_test_teardown(pixels_in_other_orders, test_tensors_free),
        cmocka_unit_test_teardown(bitmaps_of_all_depths, test_tensors_free),
        cmocka_unit_test_teardown(broken_bitmaps_are_empty, test_tensors_free),
        cmocka_unit_test_teardown(portable_maps_of_all_kinds, test_tensors_free),
        cmocka_unit_test_teardown(data_that_ends_too_early_is_empty, test_tensors_free),
        cmocka_unit_test_teardown(what_is_not_decoded_is_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
