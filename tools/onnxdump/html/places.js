/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Horizontal coordinates of a layered layout, after Brandes and Koepf: vertices that are linked are
 * stacked into blocks with one coordinate, towards each of four corners; the mean of the two middle
 * ones of the four coordinates is the vertex's.
 */

const BOX_GAP = 28;
const DUMMY_GAP = 14;

function gapBetween(a, b) {
    const gap = a.kind === "dummy" || b.kind === "dummy" ? DUMMY_GAP : BOX_GAP;
    return (a.width + b.width) / 2 + gap;
}

function isDummyPair(upper, lower) {
    return upper.kind === "dummy" && lower.kind === "dummy";
}

/* Marks the links that cross a chain of dummies, for chains shall be straight. */
function markCrossed(layers) {
    const crossed = new Map(); /* lower vertex -> set of upper ones */
    for (let i = 0; i + 1 < layers.length; i++) {
        const lower = layers[i + 1];
        let left = 0, done = 0;
        lower.forEach((vertex, index) => {
            const inner = vertex.up.find((upper) => isDummyPair(upper, vertex));
            if (inner === undefined && index + 1 < lower.length) {
                return;
            }
            const right = inner !== undefined ? inner.position : layers[i].length;
            for (; done <= index; done++) {
                for (const upper of lower[done].up) {
                    const isOutside = upper.position < left || upper.position > right;
                    if (isOutside && !isDummyPair(upper, lower[done])) {
                        const set = crossed.get(lower[done]) ?? new Set();
                        crossed.set(lower[done], set.add(upper));
                    }
                }
            }
            left = right;
        });
    }
    return crossed;
}

/* Sets root of each vertex: the first of its block. side: which neighbours blocks are made with;
 * sign: 1 goes from the left, -1 from the right. */
function alignVertices(layers, side, sign, crossed) {
    const isCrossed = side === "up" ? (near, vertex) => crossed.get(vertex)?.has(near)
        : (near, vertex) => crossed.get(near)?.has(vertex);
    for (const layer of layers) {
        layer.forEach((vertex) => { vertex.root = vertex; });
    }
    for (const layer of side === "up" ? layers : layers.slice().reverse()) {
        let reached = -Infinity;
        for (const vertex of sign > 0 ? layer : layer.slice().reverse()) {
            const near = vertex[side].slice().sort((a, b) => sign * (a.position - b.position));
            const middle = (near.length - 1) / 2;
            for (let m = Math.floor(middle); m <= Math.ceil(middle) && near.length > 0; m++) {
                const place = sign * near[m].position;
                if (vertex.root === vertex && reached < place && !isCrossed(near[m], vertex)) {
                    vertex.root = near[m].root;
                    reached = place;
                }
            }
        }
    }
}

/* The blocks in an order in which each comes behind those to the left of it (sign 1), with the
 * distances to their neighbours. */
function orderBlocks(layers, sign) {
    const blocks = new Map();
    for (const layer of layers) {
        layer.forEach((vertex) => {
            if (vertex.root === vertex) {
                blocks.set(vertex, {before: [], after: [], waits: 0, x: 0});
            }
        });
    }
    for (const layer of layers) {
        for (let i = 0; i + 1 < layer.length; i++) {
            const [left, right] = sign > 0 ? [layer[i], layer[i + 1]] : [layer[i + 1], layer[i]];
            const from = blocks.get(left.root), to = blocks.get(right.root);
            const distance = gapBetween(left, right);
            from.after.push({block: to, distance});
            to.before.push({block: from, distance});
            to.waits++;
        }
    }
    const order = [...blocks.values()].filter((block) => block.waits === 0);
    for (let i = 0; i < order.length; i++) {
        for (const next of order[i].after) {
            if (--next.block.waits === 0) {
                order.push(next.block);
            }
        }
    }
    return {blocks, order};
}

/* Coordinates with all blocks as far to the left as they can be, then pulled to the right where
 * there is room before the next one. */
function placeBlocks(layers, sign) {
    const {blocks, order} = orderBlocks(layers, sign);
    for (const block of order) {
        block.x = block.before.reduce(
            (most, near) => Math.max(most, near.block.x + near.distance), 0);
    }
    for (const block of order.reverse()) {
        const least = block.after.reduce(
            (room, near) => Math.min(room, near.block.x - near.distance), Infinity);
        block.x = least < Infinity ? Math.max(block.x, least) : block.x;
    }
    return layers.map((layer) => layer.map((vertex) => sign * blocks.get(vertex.root).x));
}

function extent(layers, places) {
    let left = Infinity, right = -Infinity;
    layers.forEach((layer, i) => layer.forEach((vertex, j) => {
        left = Math.min(left, places[i][j] - vertex.width / 2);
        right = Math.max(right, places[i][j] + vertex.width / 2);
    }));
    return {left, right};
}

/* Sets x of each vertex, the middle of it; the least edge is at 0. Returns the width of all. */
function placeVertices(layers) {
    const crossed = markCrossed(layers), all = [];
    for (const side of ["up", "down"]) {
        for (const sign of [1, -1]) {
            alignVertices(layers, side, sign, crossed);
            const places = placeBlocks(layers, sign);
            all.push({sign, places, ...extent(layers, places)});
        }
    }
    const narrowest = all.reduce((a, b) => b.right - b.left < a.right - a.left ? b : a);
    for (const one of all) {
        one.shift = one.sign > 0 ? narrowest.left - one.left : narrowest.right - one.right;
    }
    layers.forEach((layer, i) => layer.forEach((vertex, j) => {
        const x = all.map((one) => one.places[i][j] + one.shift).sort((a, b) => a - b);
        vertex.x = (x[1] + x[2]) / 2;
    }));
    const {left, right} = extent(layers, layers.map((layer) => layer.map((vertex) => vertex.x)));
    layers.forEach((layer) => layer.forEach((vertex) => { vertex.x -= left; }));
    return right - left;
}
