/* SPDX-License-Identifier: Apache-2.0 */
/* The page of --html before and behind its data; made of the folder html when the tool is built. */
#ifndef ONNXRUN_TOOLS_HTML_PAGE_H
#define ONNXRUN_TOOLS_HTML_PAGE_H

extern const char html_page_head[];
extern const char html_page_tail[];

#endif
