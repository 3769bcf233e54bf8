/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data of the page: two stages of a model, each a graph of nodes with bodies, and the modules
 * that the nodes of both come from. What is here knows nothing of pixels.
 */

const ROOT = 0; /* the module around all others */

function readData(id) {
    return JSON.parse(document.getElementById(id).textContent);
}

const PAGE = readData("data-page");
const MODULES = PAGE.modules;
const DIMS = new Map(PAGE.dims.map((dim) => [dim.name, dim.value])); /* from -d */
MODULES.forEach((module, index) => {
    const around = index === ROOT ? {depth: -1, path: ""} : MODULES[module.parent];
    module.depth = around.depth + 1;
    module.path = around.path === "" ? module.name : around.path + "." + module.name;
});

/* "encoder.layer.0" */
function modulePath(module) {
    return MODULES[module].path;
}

/* The innermost module around all of the list that are known; undefined for none. */
function commonModule(modules) {
    const known = modules.filter((module) => module !== undefined);
    return known.length === 0 ? undefined : known.reduce((a, b) => {
        while (a !== b) {
            /* A module is behind its parent. */
            [a, b] = a > b ? [MODULES[a].parent, b] : [a, MODULES[b].parent];
        }
        return a;
    });
}

/* The content of a node Constant, as the JSON has that of a weight. */
function constantOfNode(node) {
    const attribute = node.attributes[0];
    if (attribute === undefined || attribute.kind === "other") {
        return {dtype: "?", shape: null, bytes: 0, data: null};
    }
    if (attribute.kind === "tensor") {
        return attribute.value;
    }
    const isList = Array.isArray(attribute.value);
    const data = isList ? attribute.value : [attribute.value];
    const dtypes = {float: "float", floats: "float", int: "int64", ints: "int64"};
    return {dtype: dtypes[attribute.kind] ?? "string", shape: isList ? [data.length] : [],
            bytes: 0, data};
}

/*
 * A main graph or a body. Its nodes are those of the JSON, with index, graph, module and
 * isConstant; nodes Constant are shown as weights of those that read them. A value is looked up by
 * name.
 */
class Graph {
    constructor(json, stage, parent, title) {
        this.json = json;
        this.stage = stage;
        this.parent = parent;
        this.title = title;
        this.nodes = json.nodes;
        this.values = new Map();
        this.known = new Map(); /* name -> type and shape */
        this.groups = new Map(); /* module -> {nodes, modules, first, count} */
        this.frames = new Map(); /* module -> its layout (scene.js) */
        GRAPHS.push(this);
        this.readValues();
        this.nodes.forEach((node, index) => this.addNode(node, index));
        this.settleNodes();
        this.enterGroup(ROOT, 0);
        this.nodes.filter((node) => !node.isConstant).forEach((node) => this.addToGroups(node));
    }

    value(name) {
        let value = this.values.get(name);
        if (value === undefined) {
            value = {name, graph: this, fact: null, constant: null, producer: null, consumers: [],
                     isInput: false, outputs: []};
            this.values.set(name, value);
        }
        return value;
    }

    readValues() {
        const facts = this.json.values ?? (this.parent === null ? this.stage.facts : []);
        facts.forEach((fact) => this.known.set(fact.name, fact));
        for (const constant of this.json.constants) {
            this.value(constant.name).constant = constant;
        }
        for (const fact of this.json.inputs) {
            const value = this.value(fact.name);
            value.isInput = true;
            value.fact = fact;
        }
        for (const fact of this.json.outputs) {
            const value = this.value(fact.value);
            value.outputs.push(fact);
            value.fact = fact;
        }
    }

    /* Type and shape of a value, or null. */
    fact(value) {
        const fact = this.known.get(value.name) ?? value.fact ?? value.constant;
        return fact !== null && fact.dtype !== "undefined" ? fact : null;
    }

    addNode(node, index) {
        node.index = index;
        node.graph = this;
        /* What a body captures is read by the node that has it. */
        const captures = node.bodies.flatMap((body) => body.captures);
        for (const name of new Set([...node.inputs, ...captures])) {
            if (name !== "") {
                this.value(name).consumers.push(node);
            }
        }
        for (const name of node.outputs.filter((output) => output !== "")) {
            this.value(name).producer = node;
        }
        node.isConstant = node.op_type === "Constant" && node.domain === "" &&
            this.value(node.outputs[0]).outputs.length === 0;
        if (node.isConstant) {
            this.value(node.outputs[0]).constant = constantOfNode(node);
        }
    }

    /*
     * A node that says nothing of its module belongs to the innermost one that has both what it
     * reads and what reads it, weights aside: exporters and passes add such nodes, and they would
     * tear modules apart.
     */
    settleNodes() {
        const lost = this.nodes.filter((node) => node.module === ROOT);
        const around = (node, side) => node.module !== ROOT ? node.module : node[side];
        for (const node of lost) {
            const inputs = node.inputs.map((name) => this.values.get(name))
                .filter((value) => value !== undefined && value.constant === null);
            node.above = commonModule(inputs.map(
                (value) => value.producer === null ? ROOT : around(value.producer, "above")));
        }
        for (const node of lost.slice().reverse()) {
            const outputs = node.outputs.filter((name) => name !== "")
                .map((name) => this.values.get(name));
            node.below = commonModule(outputs.flatMap((value) => value.outputs.length > 0 ? [ROOT]
                : value.consumers.map((consumer) => around(consumer, "below"))));
        }
        for (const node of lost) {
            node.module = commonModule([node.above, node.below]) ?? ROOT;
        }
    }

    enterGroup(module, first) {
        let group = this.groups.get(module);
        if (group === undefined) {
            group = {nodes: [], modules: [], first, count: 0};
            this.groups.set(module, group);
        }
        return group;
    }

    addToGroups(node) {
        this.enterGroup(node.module, node.index).nodes.push(node);
        for (let module = node.module; ; module = MODULES[module].parent) {
            const group = this.enterGroup(module, node.index);
            group.count++;
            if (module === ROOT) {
                return;
            }
            if (group.count === 1) {
                this.enterGroup(MODULES[module].parent, node.index).modules.push(module);
            }
        }
    }

    /* What stands for a node in an opened module: the node, a module within, or null: it is
     * outside. */
    childOf(module, node) {
        let inner = node.module;
        if (inner === module) {
            return node;
        }
        while (MODULES[inner].depth > MODULES[module].depth + 1) {
            inner = MODULES[inner].parent;
        }
        return MODULES[inner].parent === module ? inner : null;
    }

    /* All nodes in a module and those within, in order. */
    nodesIn(module) {
        const nodes = [], left = [module];
        while (left.length > 0) {
            const group = this.groups.get(left.pop());
            nodes.push(...group.nodes);
            left.push(...group.modules);
        }
        return nodes.sort((a, b) => a.index - b.index);
    }

    body(node, index) {
        const json = node.bodies[index];
        json.graph = json.graph ?? new Graph(json, this.stage, node, json.attribute);
        return json.graph;
    }
}

/* Gives each node of a graph and of its bodies its module, in the order that the page has them. */
function assignModules(json, modules, cursor) {
    for (const node of json.nodes) {
        node.module = modules[cursor.at++];
        node.bodies.forEach((body) => assignModules(body, modules, cursor));
    }
}

/* A node that a pass made says less of where it comes from than the one of the file that makes the
 * same value. */
function takeModules(nodes, values) {
    for (const node of nodes) {
        const made = node.outputs.map((name) => values.get(name)).find((value) => value?.producer);
        node.module = made?.producer.module ?? node.module;
    }
}

/* A stage of the model; json and graph are made when they are asked for. error: why there is
 * none. */
class Stage {
    constructor(name, title) {
        this.name = name;
        this.title = title;
        this.error = PAGE.errors[name] ?? null;
    }

    get json() {
        if (this.parsed === undefined) {
            this.parsed = readData("data-" + this.name);
            assignModules(this.parsed, PAGE.node_modules[this.name], {at: 0});
        }
        return this.parsed;
    }

    get graph() {
        if (this.main === undefined) {
            if (this !== STAGES.model) {
                takeModules(this.json.nodes, STAGES.model.graph.values);
            }
            this.main = new Graph(this.json, this, null, "main graph");
        }
        return this.main;
    }

    /* What is known of values that this stage says nothing of. */
    get facts() {
        return STAGES.graph.error === null ? STAGES.graph.json.values : [];
    }
}

const OPEN = new Set([ROOT]); /* modules, the same in all graphs */
const GRAPHS = [];

/* Opens or closes a module. */
function setOpen(module, isOpen) {
    if (OPEN.has(module) === isOpen) {
        return;
    }
    if (isOpen) {
        OPEN.add(module);
    } else {
        OPEN.delete(module);
    }
    for (; module !== ROOT; module = MODULES[module].parent) {
        GRAPHS.forEach((graph) => graph.frames.delete(MODULES[module].parent));
    }
}

const STAGES = {model: new Stage("model", "As in the file"),
                graph: new Stage("graph", "After fusion")};
const PASSES = PAGE.errors.passes === undefined ? readData("data-passes") : null;
const FUSED = new Map(PASSES === null ? [] : PASSES.fused.map((fused) => [fused.node, fused]));

/* How the pass that made a node tells of it, or undefined. */
function fusionOf(node) {
    const fused = node.graph.stage === STAGES.graph ? FUSED.get(nodeLabel(node)) : undefined;
    return fused !== undefined && fused.op === node.op_type ? fused : undefined;
}

/* The node of the other stage that makes one of the values of this one; undefined if none does. */
function counterpart(node) {
    const other = node.graph.stage === STAGES.model ? STAGES.graph : STAGES.model;
    const found = node.outputs.map((name) => other.graph.values.get(name));
    return found.find((value) => value?.producer)?.producer;
}

/* Has a node of the file gone on the way to the other stage, folded or fused? */
function isGone(node) {
    if (node.gone === undefined) {
        const isInFile = node.graph === STAGES.model.main && STAGES.graph.error === null;
        node.gone = isInFile && counterpart(node) === undefined;
    }
    return node.gone;
}

/* ---- texts ---- */

/* A node's own name, or that of its first output. */
function nodeLabel(node) {
    return node.name !== "" ? node.name : node.outputs.find((name) => name !== "") ?? "";
}

function dimText(dim) {
    return dim === null ? "?" : String(DIMS.get(dim) ?? dim);
}

function shapeText(shape) {
    if (shape === null || shape === undefined) {
        return "…";
    }
    const parts = shape.map(dimText).map((dim) => dim.includes(" ") ? `(${dim})` : dim);
    return shape.length === 0 ? "scalar" : parts.join("×");
}

/* "float[2, 3]" */
function typeText(fact) {
    if (fact === null) {
        return "type not known";
    }
    const dims = fact.shape === null ? "[…]" :
        fact.shape.length === 0 ? "" : "[" + fact.shape.map(dimText).join(", ") + "]";
    const kind = fact.kind === "sequence" ? "sequence of " : "";
    return (fact.is_optional ? "optional " : "") + kind + fact.dtype + dims;
}

function countText(count) {
    return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

function plural(count, word) {
    return countText(count) + " " + word + (count === 1 ? "" : "s");
}

function inUnits(number, step, units) {
    let unit = 0;
    for (; number >= step && unit + 1 < units.length; unit++) {
        number /= step;
    }
    return (unit === 0 ? String(number) : number.toFixed(number < 10 ? 2 : 1)) + units[unit];
}

function bytesText(bytes) {
    return inUnits(bytes, 1024, [" B", " KiB", " MiB", " GiB", " TiB"]);
}

function scaledText(count) {
    return inUnits(count, 1000, ["", " k", " M", " G", " T"]);
}

/* A few elements; numbers that JavaScript cannot hold come as strings. */
function elementsText(constant, limit) {
    if (constant.data === null || constant.data === undefined) {
        return "";
    }
    const shown = constant.data.slice(0, limit).map((element) =>
        constant.dtype === "string" ? JSON.stringify(element) : String(element));
    const rest = constant.data.length > limit ? ", …" : "";
    const isScalar = constant.shape !== null && constant.shape.length === 0;
    return isScalar ? shown.join("") : "[" + shown.join(", ") + rest + "]";
}
