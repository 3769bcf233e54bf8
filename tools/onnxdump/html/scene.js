/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a graph and its opened modules to boxes and curves in the plane. Each opened module is laid
 * out by itself when it is first seen, and then is one box of the module around it.
 */

const TITLE_FONT = "600 13px system-ui, sans-serif";
const TEXT_FONT = "11px system-ui, sans-serif";
const LABEL_FONT = "10.5px system-ui, sans-serif";
const HEADER = 30;  /* of an opened module */
const PADDING = 22; /* within it */
const LINE = 16;
const PORT_STEP = 14;
const MAX_LINES = 4;
const MAX_TEXT = 30;
const MAX_LABEL = 44;

const measure = document.createElement("canvas").getContext("2d");
const widths = new Map();

function textWidth(font, text) {
    const key = font + text;
    let width = widths.get(key);
    if (width === undefined) {
        measure.font = font;
        width = measure.measureText(text).width;
        widths.set(key, width);
    }
    return width;
}

/* The text, or its end: what tells names apart stands there. */
function shorten(text) {
    const letters = [...text];
    return letters.length <= MAX_TEXT ? text : "…" + letters.slice(1 - MAX_TEXT).join("");
}

/* ---- boxes ---- */

/* Width and height of a box with a title and lines below it. */
function sizeOf(title, lines, least) {
    const text = lines.reduce((most, line) => Math.max(most, textWidth(TEXT_FONT, line)), 0);
    const width = Math.max(least, textWidth(TITLE_FONT, title), text);
    return {title, lines, drawnWidth: Math.ceil(width) + 28, width: Math.ceil(width) + 28,
            height: 30 + (lines.length > 0 ? LINE * lines.length + 4 : 0)};
}

/* A weight as a line of the node that reads it: its content when that is short, else name and
 * shape. */
function weightLine(value) {
    const constant = value.constant;
    const data = elementsText(constant, 6);
    if (data !== "" && data.length <= 24 && (constant.data.length <= 6)) {
        return data;
    }
    const parts = value.name.split(/[./]/).filter((part) => part !== "");
    return shorten(parts.slice(-2).join(".")) + "  " + shapeText(constant.shape);
}

function nodeBox(graph, node) {
    const values = node.inputs.filter((name) => name !== "").map((name) => graph.values.get(name));
    const lines = values.filter((value) => value.constant !== null).map(weightLine);
    if (node.bodies.length > 0) {
        lines.push(...node.bodies.map((body) => body.attribute + ": " +
            plural(body.nodes.length, "node")));
    }
    const shown = lines.length > MAX_LINES
        ? [...lines.slice(0, MAX_LINES - 1), `and ${lines.length - MAX_LINES + 1} more`] : lines;
    return {kind: "node", id: node, first: node.index, ...sizeOf(shorten(node.op_type), shown, 44)};
}

function moduleTitle(module) {
    return shorten(MODULES[module].name);
}

function moduleBox(graph, module) {
    const {class: className, parameters} = MODULES[module];
    const group = graph.groups.get(module);
    const sums = plural(group.count, "node") +
        (parameters > 0 ? " · " + scaledText(parameters) + " parameters" : "");
    const lines = className !== null ? [shorten(className), sums] : [sums];
    return {kind: "module", id: module, first: group.first,
            ...sizeOf("▸ " + moduleTitle(module), lines, 110)};
}

function openBox(graph, module) {
    const frame = layOut(graph, module);
    const {class: className} = MODULES[module];
    const title = "▾ " + moduleTitle(module);
    const text = className !== null ? shorten(className) : "";
    const least = textWidth(TITLE_FONT, title) + textWidth(TEXT_FONT, text) + 40;
    const width = Math.max(frame.width + 2 * PADDING, Math.ceil(least));
    return {kind: "open", id: module, first: graph.groups.get(module).first, frame, title,
            lines: [text], drawnWidth: width, width, height: frame.height + HEADER};
}

function pillBox(kind, value, title) {
    const width = Math.ceil(textWidth(TEXT_FONT, title)) + 24;
    return {kind, id: value, title, lines: [], drawnWidth: width, width, height: 24};
}

/* For links that are cut (layers.js). */
function sizeOfCut(value) {
    return pillBox("cut", value, "↷ " + shorten(value.name));
}

/* Where a value crosses the border of an opened module. */
function portBox(value, isFirst) {
    return {kind: "port", id: value, drawnWidth: 8, width: 8, height: 0, isFirst, isLast: !isFirst,
            first: isFirst ? -1 : Infinity};
}

/* ---- links ---- */

/* Boxes and links of one opened module. */
class Scope {
    constructor(graph, module) {
        this.graph = graph;
        this.module = module;
        this.links = new Map(); /* value -> link */
        this.boxOf = new Map(); /* node or module -> box */
        this.ports = {in: new Map(), out: new Map()}; /* value -> box */
        const group = graph.groups.get(module);
        group.nodes.forEach((node) => this.boxOf.set(node, nodeBox(graph, node)));
        group.modules.forEach((inner) => this.boxOf.set(inner, OPEN.has(inner)
            ? openBox(graph, inner) : moduleBox(graph, inner)));
        this.boxes = [...this.boxOf.values()];
        this.addLinks();
    }

    addBox(box) {
        this.boxes.push(box);
        return box;
    }

    child(node) {
        const child = this.graph.childOf(this.module, node);
        return child === null ? undefined : this.boxOf.get(child);
    }

    sourceOf(value) {
        const producer = value.producer;
        const inner = producer !== null ? this.child(producer) : undefined;
        if (inner !== undefined) {
            return inner;
        }
        if (this.module !== ROOT) {
            const port = this.addBox(portBox(value, true));
            this.ports.in.set(value, port);
            return port;
        }
        return this.addBox({...pillBox("input", value, shorten(value.name)), first: -1});
    }

    link(value) {
        let link = this.links.get(value);
        if (link === undefined) {
            link = {value, from: this.sourceOf(value), to: new Set()};
            this.links.set(value, link);
        }
        return link;
    }

    addInput(node, value) {
        const link = this.link(value), box = this.child(node);
        if (link.from !== box) {
            link.to.add(box);
        }
    }

    /* A value that is read outside leaves the module. */
    addOutput(value) {
        const isRead = value.outputs.length > 0 ||
            value.consumers.some((consumer) => this.child(consumer) === undefined);
        if (this.module !== ROOT && isRead) {
            const port = this.addBox(portBox(value, false));
            this.ports.out.set(value, port);
            this.link(value).to.add(port);
        }
    }

    addLinks() {
        const {graph} = this;
        for (const node of graph.nodesIn(this.module)) {
            const captures = node.bodies.flatMap((body) => body.captures);
            for (const name of new Set([...node.inputs, ...captures])) {
                if (name !== "" && graph.values.get(name).constant === null) {
                    this.addInput(node, graph.values.get(name));
                }
            }
            node.outputs.filter((name) => name !== "").forEach(
                (name) => this.addOutput(graph.values.get(name)));
        }
        if (this.module === ROOT) {
            this.addSignature();
        }
    }

    addSignature() {
        for (const value of this.graph.values.values()) {
            if (value.isInput && value.constant === null) {
                this.link(value);
            }
            for (const output of value.outputs) {
                const box = {...pillBox("output", value, shorten(output.name)), first: Infinity};
                this.addBox(box);
                if (value.constant === null) {
                    this.link(value).to.add(box);
                }
            }
        }
    }
}

/* ---- geometry ---- */

/* The type of what a box makes, when that is one value, stands below it. */
function setLabels(links) {
    const counts = new Map();
    links.forEach(({from}) => counts.set(from, (counts.get(from) ?? 0) + 1));
    for (const {from, value} of links) {
        const fact = value.graph.fact(value);
        const isPlain = ["node", "module", "input"].includes(from.kind);
        if (counts.get(from) === 1 && fact !== null && isPlain) {
            const label = shapeText(fact.shape);
            from.label = label.length > MAX_LABEL ? label.slice(0, MAX_LABEL - 1) + "…" : label;
            from.width = Math.max(from.width, textWidth(LABEL_FONT, from.label) + 16);
        }
    }
}

/* Top and bottom of each row and where the next one begins; sets the top of each box. */
function placeRows(layers, top) {
    return layers.map((layer) => {
        const height = layer.reduce((most, box) => Math.max(most, box.height), 0);
        const reach = layer.reduce((most, box) => box.down.reduce(
            (far, to) => Math.max(far, Math.abs(to.x - box.x)), most), 0);
        const isPlain = !layer.some((box) => box.label !== undefined);
        const row = {top, bottom: top + height, straight: isPlain ? 6 : 24};
        row.next = row.bottom + row.straight + Math.min(90, 26 + reach * 0.06);
        layer.forEach((box) => { box.top = top + (height - box.height) / 2; });
        top = row.next;
        return row;
    });
}

/* Where a value enters (side "in") or leaves an opened module; undefined for other boxes. */
function framePort(box, side, value) {
    return box.kind === "open" ? box.x - box.frame.width / 2 + box.frame.ports[side].get(value)
        : undefined;
}

/* Horizontal places where links end at a box or start from it: those of the frame when it is an
 * opened module, else side by side in the order of what they lead to. */
function portPlaces(box, ends, side) {
    if (box.kind === "open") {
        return new Map(ends.map(({value}) => [value, framePort(box, side, value)]));
    }
    ends.sort((a, b) => a.x - b.x);
    const room = Math.max(0, box.drawnWidth - 24);
    const step = ends.length > 1 ? Math.min(PORT_STEP, room / (ends.length - 1)) : 0;
    return new Map(ends.map(({value}, index) =>
        [value, box.x + (index - (ends.length - 1) / 2) * step]));
}

function mapOfLists(pairs) {
    const map = new Map();
    for (const [key, item] of pairs) {
        const list = map.get(key);
        if (list === undefined) {
            map.set(key, [item]);
        } else {
            list.push(item);
        }
    }
    return map;
}

/* Where each link starts and ends: box -> (value -> x). */
function allPorts(links) {
    const placeAll = (lists, side) =>
        new Map([...lists].map(([box, list]) => [box, portPlaces(box, list, side)]));
    const starts = placeAll(mapOfLists(links.map(({value, from, to, chain}) => {
        const near = chain[1] ?? to[0];
        return [from, {value, x: framePort(near, "in", value) ?? near.x}];
    })), "out");
    const ends = placeAll(mapOfLists(links.flatMap(({value, from, to, chain}) => to.map((box) => {
        const near = chain[box.layer - from.layer - 1];
        return [box, {value, x: near === from ? starts.get(from).get(value) : near.x}];
    }))), "in");
    return {out: starts, in: ends};
}

/* The curves of a link: from each vertex of its chain to the next, and to the boxes where it
 * ends. A curve goes straight down from y1 to y2, bends to x2 until y3, and goes straight down
 * to y4. What comes from a port begins above the header. */
function linkCurves(link, rows, ports) {
    const curves = [], first = link.from.layer;
    const startX = ports.out.get(link.from).get(link.value);
    const startY = link.from.top + link.from.height - (link.from.kind === "port" ? HEADER : 0);
    const add = (step, x2, y4, to) => {
        const row = rows[first + step], isStart = step === 0;
        curves.push({value: link.value, from: link.from, to,
                     x1: isStart ? startX : link.chain[step].x,
                     y1: isStart ? startY : row.top,
                     y2: row.bottom + row.straight, x2, y3: row.next, y4});
    };
    for (let step = 1; step < link.chain.length; step++) {
        const row = rows[first + step];
        add(step - 1, link.chain[step].x, row.top, null);
    }
    for (const to of link.to) {
        add(to.layer - first - 1, ports.in.get(to).get(link.value), to.top, to);
    }
    return curves;
}

/*
 * The layout of an opened module, {width, height, boxes, curves, ports}, from its upper left corner
 * below the header. Kept until a module in it opens or closes (Graph.toggle).
 */
function layOut(graph, module) {
    const kept = graph.frames.get(module);
    if (kept !== undefined) {
        return kept;
    }
    const scope = new Scope(graph, module);
    const links = [...scope.links.values()].map((link) => ({...link, to: [...link.to]}))
        .filter((link) => link.to.length > 0);
    const {boxes} = scope;
    if (boxes.length === 0) {
        return {width: 0, height: 0, boxes, curves: [], ports: scope.ports};
    }
    sortBoxes(boxes, links);
    cutBackLinks(boxes, links);
    assignLayers(boxes.slice().sort((a, b) => a.rank - b.rank), links);
    cutLongLinks(boxes, links);
    setLabels(links);
    const layers = buildLayers(boxes, links);
    orderLayers(layers);
    const width = placeVertices(layers);
    const frame = finishFrame(scope, links, layers, width);
    graph.frames.set(module, frame);
    return frame;
}

/* Rows, ports and curves of boxes that have their places from left to right. */
function finishFrame(scope, links, layers, width) {
    const {in: incoming, out: outgoing} = scope.ports;
    const isRoot = scope.module === ROOT;
    const rows = placeRows(layers, isRoot || incoming.size > 0 ? 0 : PADDING);
    const ports = allPorts(links);
    const places = (boxes) => new Map([...boxes].map(([value, box]) => [value, box.x]));
    return {
        width, height: rows[rows.length - 1].bottom + (isRoot || outgoing.size > 0 ? 0 : PADDING),
        boxes: scope.boxes.filter((box) => box.kind !== "port"),
        curves: links.flatMap((link) => linkCurves(link, rows, ports)),
        ports: {in: places(incoming), out: places(outgoing)},
    };
}

/* ---- the whole ---- */

/* All boxes and curves of a graph with what is open in it, outer ones first: {width, height, boxes,
 * curves, boxOf}. Boxes have left, top, right, bottom in the plane, and depth, the number of opened
 * modules around them. */
function buildScene(graph) {
    const root = layOut(graph, ROOT);
    const scene = {graph, width: root.width, height: root.height, boxes: [], curves: [],
                   boxOf: new Map()};
    const left = [{frame: root, x: 0, y: 0, depth: 0}];
    while (left.length > 0) {
        const {frame, x, y, depth} = left.pop();
        for (const box of frame.boxes) {
            const x1 = x + box.x - box.drawnWidth / 2, y1 = y + box.top;
            const placed = {box, kind: box.kind, id: box.id, depth, left: x1, top: y1,
                            right: x1 + box.drawnWidth, bottom: y1 + box.height};
            scene.boxes.push(placed);
            if (box.kind !== "cut" && !scene.boxOf.has(box.id)) {
                scene.boxOf.set(box.id, placed);
            }
            if (box.kind === "open") {
                const room = box.drawnWidth - box.frame.width;
                left.push({frame: box.frame, x: x1 + room / 2, y: y1 + HEADER,
                           depth: depth + 1});
            }
        }
        for (const curve of frame.curves) {
            scene.curves.push({...curve, x1: curve.x1 + x, x2: curve.x2 + x, y1: curve.y1 + y,
                               y2: curve.y2 + y, y3: curve.y3 + y, y4: curve.y4 + y,
                               left: Math.min(curve.x1, curve.x2) + x - 2,
                               right: Math.max(curve.x1, curve.x2) + x + 2});
        }
    }
    return scene;
}
