/* SPDX-License-Identifier: Apache-2.0 */
/* What is under the pointer. */

/* Is the point within reach of the curve? */
function isNear(curve, {x, y}, reach) {
    if (y < curve.y1 || y > curve.y4 || x < curve.left - reach || x > curve.right + reach) {
        return false;
    }
    if (y <= curve.y2 || y >= curve.y3) {
        return Math.abs(x - (y <= curve.y2 ? curve.x1 : curve.x2)) <= reach;
    }
    const {x1, y2, x2, y3} = curve, middle = (y2 + y3) / 2;
    let near = Infinity;
    for (let i = 0; i <= 24; i++) {
        const t = i / 24, s = 1 - t;
        const cx = x1 * (s * s * s + 3 * s * s * t) + x2 * (3 * s * t * t + t * t * t);
        const cy = y2 * s * s * s + 3 * middle * s * t + y3 * t * t * t;
        near = Math.min(near, Math.hypot(cx - x, cy - y));
    }
    return near <= reach * 1.5;
}

/* The innermost box at a position on the canvas, else the value whose curve passes within a few
 * pixels, or null. */
function findAt(view, x, y) {
    const point = view.at(x, y);
    let found = null;
    for (const box of view.scene.boxes) {
        const isIn = point.x >= box.left && point.x <= box.right && point.y >= box.top &&
            point.y <= box.bottom;
        if (isIn) {
            found = box;
        }
    }
    if (found !== null && (found.kind !== "open" || point.y < found.top + HEADER)) {
        return found;
    }
    const reach = 5 / view.scale;
    const curve = view.scene.curves.find((one) => isNear(one, point, reach));
    return curve !== undefined ? {kind: "value", id: curve.value} : found;
}
