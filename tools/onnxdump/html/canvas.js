/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Draws a scene on the canvas. Only what is in sight is drawn, with less of it the smaller it is,
 * so that a frame takes a few milliseconds whatever the size of the graph.
 */

const TEXT_SCALE = 0.4;    /* below this, boxes have no text but a title */
const BORDER_SCALE = 0.15; /* nor a border */
const BATCH = 400;         /* curves in one path: long paths are slow */

/* The part of the plane that is shown: a point p of it is at (p - x) * scale on the canvas. */
class View {
    constructor(canvas) {
        this.canvas = canvas;
        this.context = canvas.getContext("2d");
        this.x = 0;
        this.y = 0;
        this.scale = 1;
        this.scene = null;
        this.marks = {selected: null, hovered: null};
        this.isDue = false;
    }

    get width() {
        return this.canvas.clientWidth;
    }

    get height() {
        return this.canvas.clientHeight;
    }

    resize() {
        const ratio = window.devicePixelRatio || 1;
        this.canvas.width = Math.round(this.width * ratio);
        this.canvas.height = Math.round(this.height * ratio);
        this.draw();
    }

    /* Draws in the next frame. */
    redraw() {
        if (!this.isDue) {
            this.isDue = true;
            requestAnimationFrame(() => {
                this.isDue = false;
                this.draw();
            });
        }
    }

    /* A position on the canvas as a point of the plane. */
    at(x, y) {
        return {x: this.x + x / this.scale, y: this.y + y / this.scale};
    }

    pan(dx, dy) {
        this.x += dx / this.scale;
        this.y += dy / this.scale;
        this.keepInSight();
        this.redraw();
    }

    zoom(factor, x, y) {
        const scale = Math.min(4, Math.max(this.leastScale(), this.scale * factor));
        this.x += x / this.scale - x / scale;
        this.y += y / this.scale - y / scale;
        this.scale = scale;
        this.keepInSight();
        this.redraw();
    }

    leastScale() {
        const {width, height} = this.scene;
        return Math.min(0.5, 0.5 * Math.min(this.width / (width + 1), this.height / (height + 1)));
    }

    /* A part of the graph always stays on the canvas. */
    keepInSight() {
        const margin = 80 / this.scale;
        const {width, height} = this.scene;
        this.x = Math.min(width - margin, Math.max(margin - this.width / this.scale, this.x));
        this.y = Math.min(height - margin, Math.max(margin - this.height / this.scale, this.y));
    }

    /* Shows a rectangle of the plane, as large as it may be but not above the scale most. */
    show({left, top, right, bottom}, most) {
        const room = Math.min((this.width - 60) / (right - left + 1),
                              (this.height - 60) / (bottom - top + 1));
        this.scale = Math.max(this.leastScale(), Math.min(most, room));
        this.center(left, top, right, bottom);
    }

    center(left, top, right, bottom) {
        this.x = (left + right - this.width / this.scale) / 2;
        this.y = (top + bottom - this.height / this.scale) / 2;
        this.redraw();
    }

    /* ---- drawing ---- */

    draw() {
        const {context, scale} = this;
        const ratio = window.devicePixelRatio || 1;
        context.setTransform(ratio, 0, 0, ratio, 0, 0);
        context.fillStyle = ground(0);
        context.fillRect(0, 0, this.width, this.height);
        if (this.scene === null) {
            return;
        }
        context.setTransform(ratio * scale, 0, 0, ratio * scale, -this.x * scale * ratio,
                             -this.y * scale * ratio);
        this.selectedBox = this.scene.boxOf.get(this.marks.selected?.id);
        const left = this.x, top = this.y;
        const right = left + this.width / scale, bottom = top + this.height / scale;
        const boxes = this.thin(this.scene.boxes.filter((box) => box.left < right &&
            box.right > left && box.top - 10 < bottom && box.bottom + 24 > top));
        const curves = this.scene.curves.filter((curve) => curve.y1 < bottom && curve.y4 > top &&
            curve.left < right && curve.right > left && (curve.y4 - curve.y1) * scale > 0.5);
        boxes.filter((box) => box.kind === "open").forEach((box) => this.drawOpen(box));
        this.drawCurves(curves);
        boxes.forEach((box) => this.drawBox(box));
        this.drawLabels(boxes);
        boxes.filter((box) => box.kind === "open").forEach((box) => this.drawHeader(box));
    }

    /* Of boxes that are smaller than a pixel, one for each pixel. */
    thin(boxes) {
        const {scale} = this, taken = new Set();
        return boxes.filter((box) => {
            if ((box.bottom - box.top) * scale > 1) {
                return true;
            }
            const pixel = Math.round(box.left * scale) + 1e6 * Math.round(box.top * scale);
            return taken.size !== taken.add(pixel).size;
        });
    }

    path(box, radius) {
        this.context.beginPath();
        this.context.roundRect(box.left, box.top, box.right - box.left, box.bottom - box.top,
                               radius);
    }

    isSelected(box) {
        return this.marks.selected !== null && this.marks.selected.id === box.id;
    }

    /* The border of a box tells whether it is selected or under the pointer. */
    strokeBorder(box, color) {
        const isSelected = this.isSelected(box);
        const isHovered = this.marks.hovered !== null && this.marks.hovered.id === box.id;
        this.context.strokeStyle = isSelected || isHovered ? COLORS.accent : color;
        this.context.lineWidth = isSelected ? Math.max(2.5, 1.5 / this.scale)
            : Math.max(1, 0.5 / this.scale);
        this.context.stroke();
    }

    drawOpen(box) {
        this.path(box, 10);
        this.context.fillStyle = ground(box.depth + 1);
        this.context.fill();
        this.strokeBorder(box, COLORS.frame);
    }

    /* The header lies over the curves that go through it. */
    drawHeader(box) {
        const {context, scale} = this;
        const [text] = box.box.lines, room = box.right - box.left - 40;
        const width = textWidth(TITLE_FONT, box.box.title) + textWidth(TEXT_FONT, text);
        const size = Math.max(1, Math.min(11 / 13 / scale, room / width,
                                          (box.bottom - box.top) / 80));
        if (size * scale < 0.4) {
            return;
        }
        context.textAlign = "left";
        context.textBaseline = "middle";
        const middle = box.top + HEADER / 2 + 7 * (size - 1);
        const end = this.drawMasked(box, box.box.title, TITLE_FONT, COLORS.text, size,
                                    box.left + 12, middle);
        this.drawMasked(box, text, TEXT_FONT, COLORS.muted, size, end, middle);
    }

    /* Text on the ground of an opened module, over what is there; returns where more may stand. */
    drawMasked(box, text, font, color, size, x, y) {
        const {context} = this, width = textWidth(font, text) * size;
        context.fillStyle = ground(box.depth + 1);
        context.fillRect(x - 4, y - 9 * size, width + 8, 18 * size);
        context.font = font.replace(/[\d.]+px/, (pixels) => parseFloat(pixels) * size + "px");
        context.fillStyle = color;
        context.fillText(text, x, y);
        return x + width + 8 * size;
    }

    drawCurves(curves) {
        const {context} = this;
        const plain = [], into = [], out = [];
        for (const curve of curves) {
            const list = this.leadsIn(curve) ? into : this.leadsOut(curve) ? out : plain;
            list.push(curve);
        }
        const thin = Math.max(1.2, 0.6 / this.scale), thick = Math.max(2.4, 1.4 / this.scale);
        for (const [list, color, width] of [[plain, COLORS.edge, thin], [into, COLORS.from, thick],
                                            [out, COLORS.accent, thick]]) {
            context.strokeStyle = color;
            context.fillStyle = color;
            context.lineWidth = width;
            for (let i = 0; i < list.length; i += BATCH) {
                this.strokeCurves(list.slice(i, i + BATCH));
            }
        }
    }

    /* Is the curve on the way to what is selected? Curves above a box that end nowhere, at a
     * dummy or a port, may be. */
    leadsIn(curve) {
        const {selected} = this.marks, box = this.selectedBox;
        if (selected === null || box === undefined || selected.kind === "value") {
            return false;
        }
        const isPart = curve.to === null || curve.to.kind === "port";
        return curve.to?.id === selected.id || selected.kind === "node" && isPart &&
            curve.y4 <= box.top && curve.value.consumers.includes(selected.id);
    }

    leadsOut(curve) {
        const {selected, hovered} = this.marks;
        return curve.value === hovered?.id || selected !== null &&
            (curve.value === selected.id || curve.from.id === selected.id ||
             selected.kind === "node" && curve.value.producer === selected.id);
    }

    strokeCurves(curves) {
        const {context} = this;
        const isSmall = this.scale < 0.12;
        context.beginPath();
        for (const {x1, y1, y2, x2, y3, y4} of curves) {
            context.moveTo(x1, y1);
            if (isSmall || x1 === x2) {
                context.lineTo(x2, y4);
            } else {
                const middle = (y2 + y3) / 2;
                context.lineTo(x1, y2);
                context.bezierCurveTo(x1, middle, x2, middle, x2, y3);
                context.lineTo(x2, y4);
            }
        }
        context.stroke();
        if (this.scale < 0.3) {
            return;
        }
        context.beginPath();
        for (const {to, x2, y4} of curves) {
            if (to !== null && to.kind !== "port" && to.kind !== "open") {
                context.moveTo(x2, y4 + 0.5);
                context.lineTo(x2 - 4, y4 - 7);
                context.lineTo(x2 + 4, y4 - 7);
            }
        }
        context.fill();
    }

    drawBox(box) {
        if (box.kind === "node") {
            this.drawNode(box);
        } else if (box.kind === "module") {
            this.drawModule(box);
        } else if (box.kind !== "open") {
            this.drawPill(box);
        }
    }

    drawNode(box) {
        const {context, scale} = this;
        const node = box.id, color = opColor(node.op_type), isFused = fusionOf(node) !== undefined;
        if (scale < BORDER_SCALE) {
            context.fillStyle = this.isSelected(box) ? COLORS.accent : color;
            context.fillRect(box.left, box.top, box.right - box.left, box.bottom - box.top);
            return;
        }
        this.path(box, 6);
        context.fillStyle = scale < TEXT_SCALE ? color : isFused ? COLORS.fused : COLORS.card;
        context.fill();
        context.save();
        context.clip();
        context.fillStyle = color;
        context.fillRect(box.left, box.top, 5, box.bottom - box.top);
        context.restore();
        this.path(box, 6);
        context.setLineDash(isGone(node) ? [4, 3] : []);
        this.strokeBorder(box, isGone(node) ? COLORS.muted : COLORS.border);
        context.setLineDash([]);
        if (node.bodies.length > 0) {
            this.path({left: box.left + 3, top: box.top + 3, right: box.right - 3,
                       bottom: box.bottom - 3}, 4);
            context.stroke();
        }
        this.drawLines(box, 16);
    }

    drawModule(box) {
        const {context} = this;
        if (this.scale >= BORDER_SCALE) {
            this.path({left: box.left + 4, top: box.top + 4, right: box.right + 4,
                       bottom: box.bottom + 4}, 9);
            context.fillStyle = COLORS.frame;
            context.fill();
        }
        this.path(box, 9);
        context.fillStyle = ground(box.depth + 1);
        context.fill();
        this.strokeBorder(box, COLORS.frame);
        this.drawLines(box, 14);
    }

    drawPill(box) {
        const {context} = this;
        this.path(box, 12);
        context.fillStyle = box.kind === "cut" ? ground(box.depth) : COLORS.pill;
        context.fill();
        context.setLineDash(box.kind === "cut" ? [4, 3] : []);
        this.strokeBorder(box, COLORS.border);
        context.setLineDash([]);
        if (this.scale >= TEXT_SCALE) {
            context.font = TEXT_FONT;
            context.textAlign = "center";
            context.textBaseline = "middle";
            context.fillStyle = COLORS.text;
            context.fillText(box.box.title, (box.left + box.right) / 2, (box.top + box.bottom) / 2);
        }
    }

    /* The title alone, as large as the box lets it be: for small scales. */
    drawTitle(box) {
        const {context} = this, {title} = box.box;
        const size = Math.min((box.right - box.left - 14) / textWidth(TITLE_FONT, title),
                              (box.bottom - box.top) / 18, 11 / 13 / this.scale);
        if (13 * size * this.scale >= 5) {
            context.textAlign = "center";
            context.textBaseline = "middle";
            context.font = TITLE_FONT.replace("13px", 13 * size + "px");
            context.fillStyle = box.kind === "node" ? COLORS.card : COLORS.text;
            context.fillText(title, (box.left + box.right) / 2, (box.top + box.bottom) / 2);
        }
    }

    /* Title and lines of a node or a closed module. */
    drawLines(box, inset) {
        const {context} = this;
        if (this.scale < TEXT_SCALE) {
            this.drawTitle(box);
            return;
        }
        context.textAlign = "left";
        context.textBaseline = "middle";
        context.font = TITLE_FONT;
        context.fillStyle = COLORS.text;
        context.fillText(box.box.title, box.left + inset, box.top + 16);
        context.font = TEXT_FONT;
        context.fillStyle = COLORS.muted;
        box.box.lines.forEach((line, index) =>
            context.fillText(line, box.left + inset, box.top + 37 + LINE * index));
    }

    /* Shapes, on the lines that leave the boxes. */
    drawLabels(boxes) {
        const {context} = this;
        if (this.scale < TEXT_SCALE) {
            return;
        }
        context.font = LABEL_FONT;
        context.textAlign = "center";
        context.textBaseline = "middle";
        for (const box of boxes.filter((one) => one.box.label !== undefined)) {
            const x = (box.left + box.right) / 2, y = box.bottom + 14;
            const half = textWidth(LABEL_FONT, box.box.label) / 2 + 3;
            context.fillStyle = ground(box.depth);
            context.fillRect(x - half, y - 7, 2 * half, 14);
            context.fillStyle = COLORS.muted;
            context.fillText(box.box.label, x, y);
        }
    }
}
