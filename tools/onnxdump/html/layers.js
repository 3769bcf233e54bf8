/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layered layout, after Sugiyama, Tagawa and Toda: which layer each box is in, and the order within
 * the layers. A box is {id, width, height, isFirst, isLast}; a link {value, from, to: [boxes]}
 * leads from one box to others. Time and memory are near linear in boxes and links.
 */

/* A link that would cross more layers than this ends at a box that names its value, and starts
 * again at one: nobody can follow such a line. */
const MAX_SPAN = 48;
const DUMMY_WIDTH = 10;

/* Smallest key first. */
class Heap {
    constructor() {
        this.items = [];
    }

    push(item, key) {
        const items = this.items;
        let at = items.push({item, key}) - 1;
        for (let up; at > 0 && items[up = (at - 1) >> 1].key > key; at = up) {
            [items[at], items[up]] = [items[up], items[at]];
        }
    }

    pop() {
        const items = this.items, top = items[0], last = items.pop();
        if (items.length > 0) {
            let at = 0;
            for (let down; (down = 2 * at + 1) < items.length; at = down) {
                down += down + 1 < items.length && items[down + 1].key < items[down].key ? 1 : 0;
                if (items[down].key >= last.key) {
                    break;
                }
                items[at] = items[down];
            }
            items[at] = last;
        }
        return top.item;
    }
}

/*
 * Puts the boxes in an order in which links lead forward. Folding nodes into modules makes cycles:
 * then the box whose nodes come first in the file is next, and links back to it are cut.
 */
function sortBoxes(boxes, links) {
    const order = [], ready = new Heap(), blocked = new Heap(), outgoing = new Map();
    boxes.forEach((box) => { box.waits = 0; box.rank = -1; outgoing.set(box, []); });
    for (const link of links) {
        outgoing.get(link.from).push(link);
        link.to.forEach((box) => { box.waits++; });
    }
    boxes.forEach((box) => { (box.waits === 0 ? ready : blocked).push(box, box.first); });
    while (order.length < boxes.length) {
        const box = (ready.items.length > 0 ? ready : blocked).pop();
        if (box.rank >= 0) {
            continue;
        }
        box.rank = order.push(box) - 1;
        for (const link of outgoing.get(box)) {
            for (const to of link.to) {
                if (--to.waits === 0 && to.rank < 0) {
                    ready.push(to, to.first);
                }
            }
        }
    }
    return order;
}

/* A box that stands for the far end of a link that was cut. */
function cutBox(value, rank) {
    return {...sizeOfCut(value), rank};
}

/* Cuts the links that lead back. */
function cutBackLinks(boxes, links) {
    for (const link of links.slice()) {
        const back = link.to.filter((to) => to.rank <= link.from.rank);
        if (back.length === 0) {
            continue;
        }
        link.to = link.to.filter((to) => to.rank > link.from.rank);
        addCuts(boxes, links, link, back);
    }
}

/* The boxes at both ends of a cut: one at link.from, unless it has one, and one for each far
 * box. */
function addCuts(boxes, links, link, far) {
    const start = cutBox(link.value, link.from.rank + 0.5);
    boxes.push(start);
    link.to.push(start);
    for (const to of far) {
        const end = cutBox(link.value, to.rank - 0.5);
        boxes.push(end);
        links.push({value: link.value, from: end, to: [to]});
    }
}

/* Sets the layer of each box: one below what it depends on; what depends on less than it feeds is
 * moved down to where it is needed. */
function assignLayers(order, links) {
    const incoming = new Map(order.map((box) => [box, []]));
    const outgoing = new Map(order.map((box) => [box, []]));
    for (const link of links) {
        outgoing.get(link.from).push(link);
        link.to.forEach((to) => incoming.get(to).push(link));
    }
    const hasFirst = order.some((box) => box.isFirst);
    for (const box of order) {
        box.layer = hasFirst && !box.isFirst ? 1 : 0;
        for (const link of incoming.get(box)) {
            box.layer = Math.max(box.layer, link.from.layer + 1);
        }
    }
    for (const box of order.slice().reverse()) {
        const targets = outgoing.get(box).flatMap((link) => link.to.map((to) => to.layer));
        const isPulled = incoming.get(box).length < outgoing.get(box).length;
        if (isPulled && !box.isFirst) {
            box.layer = targets.reduce((least, layer) => Math.min(least, layer)) - 1;
        }
    }
    const last = order.reduce((most, box) => Math.max(most, box.layer), 0);
    const isBelow = order.some((box) => !box.isLast && box.layer === last);
    order.filter((box) => box.isLast).forEach((box) => { box.layer = last + (isBelow ? 1 : 0); });
}

/* Cuts links where they cross too many layers. Layers stay as they are. */
function cutLongLinks(boxes, links) {
    for (const link of links.slice()) {
        link.to.sort((a, b) => a.layer - b.layer);
        let reach = link.from.layer, at = 0;
        for (; at < link.to.length && link.to[at].layer - reach <= MAX_SPAN; at++) {
            reach = link.to[at].layer;
        }
        if (at === link.to.length) {
            continue;
        }
        const far = link.to.splice(at);
        const count = boxes.length;
        addCuts(boxes, links, link, far);
        boxes[count].layer = link.from.layer + 1;
        far.forEach((to, index) => { boxes[count + 1 + index].layer = to.layer - 1; });
    }
}

/*
 * The layers as lists of vertices: boxes, and dummies where a link passes a layer. Every vertex
 * gets up and down, its neighbours, and upAt and downAt, where on them the link is. A link has one
 * chain of dummies, from which all its ends branch off.
 */
function buildLayers(boxes, links) {
    const count = boxes.reduce((most, box) => Math.max(most, box.layer), -1) + 1;
    const layers = Array.from({length: count}, () => []);
    for (const box of boxes) {
        Object.assign(box, {up: [], down: [], upAt: [], downAt: []});
        layers[box.layer].push(box);
    }
    for (const link of links) {
        const last = link.to.reduce((most, to) => Math.max(most, to.layer), link.from.layer);
        link.chain = [link.from];
        for (let layer = link.from.layer + 1; layer < last; layer++) {
            const dummy = {kind: "dummy", width: DUMMY_WIDTH, height: 0, layer, up: [], down: [],
                           upAt: [], downAt: [], rank: link.from.rank};
            connect(link.chain[link.chain.length - 1], dummy, link.value);
            link.chain.push(dummy);
            layers[layer].push(dummy);
        }
        for (const to of link.to) {
            connect(link.chain[to.layer - link.from.layer - 1], to, link.value);
        }
    }
    layers.forEach((layer) => {
        layer.sort((a, b) => a.rank - b.rank);
        setPositions(layer);
    });
    return layers;
}

function connect(upper, lower, value) {
    upper.down.push(lower);
    upper.downAt.push(portShare(lower, "in", value));
    lower.up.push(upper);
    lower.upAt.push(portShare(upper, "out", value));
}

/* How far to the right a value enters or leaves an opened module, from 0 to 1; 0 for other
 * boxes. */
function portShare(box, side, value) {
    return box.frame === undefined ? 0 : box.frame.ports[side].get(value) / box.width;
}

function setPositions(layer) {
    layer.forEach((vertex, index) => { vertex.position = index; });
}

/* ---- the order within layers ---- */

/* Crossings between a layer and the next one, with a tree of sums over positions. */
function countCrossings(upper, lower) {
    const sums = new Int32Array(lower.length + 1);
    let crossings = 0, seen = 0;
    for (const vertex of upper) {
        const ends = vertex.down.map((to) => to.position);
        for (const end of ends) {
            let before = 0;
            for (let i = end + 1; i > 0; i -= i & -i) {
                before += sums[i];
            }
            crossings += seen - before;
        }
        for (const end of ends) {
            for (let i = end + 1; i <= lower.length; i += i & -i) {
                sums[i]++;
            }
        }
        seen += ends.length;
    }
    return crossings;
}

function allCrossings(layers) {
    let crossings = 0;
    for (let i = 0; i + 1 < layers.length; i++) {
        crossings += countCrossings(layers[i], layers[i + 1]);
    }
    return crossings;
}

/* Sorts a layer by the means of its neighbours' positions, side "up" or "down"; what has none stays
 * where it is. */
function sortLayer(layer, side) {
    const free = [], fixed = [];
    for (const vertex of layer) {
        const near = vertex[side];
        if (near.length === 0) {
            fixed.push(vertex);
        } else {
            const shares = vertex[side + "At"];
            vertex.mean = near.reduce(
                (sum, other, index) => sum + other.position + shares[index], 0) / near.length;
            free.push(vertex);
        }
    }
    free.sort((a, b) => a.mean - b.mean || a.position - b.position);
    fixed.forEach((vertex) => free.splice(Math.min(vertex.position, free.length), 0, vertex));
    free.forEach((vertex, index) => { layer[index] = vertex; });
    setPositions(layer);
}

/* Sweeps down and up while there are fewer crossings; the best order is kept, of equal ones the
 * last, which also heeds the places on opened modules. */
function orderLayers(layers) {
    const size = layers.reduce((sum, layer) => sum + layer.length, 0);
    const sweeps = size < 1500 ? 24 : size < 15000 ? 8 : 4;
    let best = layers.map((layer) => layer.slice()), least = allCrossings(layers), idle = 0;
    for (let sweep = 0; sweep < sweeps && idle < 4; sweep++) {
        if (sweep % 2 === 0) {
            layers.slice(1).forEach((layer) => sortLayer(layer, "up"));
        } else {
            layers.slice(0, -1).reverse().forEach((layer) => sortLayer(layer, "down"));
        }
        const crossings = allCrossings(layers);
        idle = crossings < least ? 0 : idle + 1;
        if (crossings <= least) {
            least = crossings;
            best = layers.map((layer) => layer.slice());
        }
    }
    best.forEach((layer, index) => {
        layers[index] = layer;
        setPositions(layer);
    });
}
