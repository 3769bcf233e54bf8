/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands beside the graph: the tree of modules, and the details of what is selected. Text from
 * the model becomes text nodes only, never HTML.
 */

/* An element with properties and children; strings become text. */
function make(tag, properties, ...children) {
    const element = document.createElement(tag);
    Object.assign(element, properties);
    element.append(...children.filter((child) => child !== null));
    return element;
}

function linkTo(label, target) {
    return make("button", {className: "link", type: "button", title: label,
                           onclick: () => APP.reveal(target)}, label);
}

function nodeLink(node) {
    return make("span", {className: "entry"}, make("b", {}, node.op_type), " ",
                linkTo(nodeLabel(node), {kind: "node", id: node}));
}

function section(title, children) {
    return children.length === 0 ? null
        : make("section", {}, make("h3", {}, title), ...children);
}

function row(name, value) {
    return make("div", {className: "row"}, make("span", {className: "name"}, name),
                make("span", {className: "value"}, value));
}

/* ---- details ---- */

function attributeText(attribute) {
    const {kind, value} = attribute;
    if (value === null) {
        return "(" + kind + ")";
    }
    if (kind === "tensor") {
        return typeText({kind, ...value}) + " " + elementsText(value, 64);
    }
    if (kind === "tensors") {
        return value.map((one) => typeText({kind: "tensor", ...one})).join(", ");
    }
    if (kind === "type") {
        return typeText(value);
    }
    return kind === "string" || kind === "strings" ? JSON.stringify(value)
        : Array.isArray(value) ? "[" + value.join(", ") + "]" : String(value);
}

/* A value with its type, and with its content when the model stores it. */
function valueEntry(graph, name) {
    if (name === "") {
        return make("div", {className: "entry"}, make("span", {className: "muted"}, "(none)"));
    }
    const value = graph.values.get(name), {constant} = value;
    const entry = make("div", {className: "entry"}, linkTo(name, {kind: "value", id: value}),
                       make("div", {className: "type"}, typeText(graph.fact(value)),
                            constant !== null && constant.bytes > 0
                                ? " · " + bytesText(constant.bytes) : ""));
    if (constant !== null && constant.data !== null) {
        entry.append(make("code", {}, elementsText(constant, 64)));
    }
    return entry;
}

/* What has become of a node in the other stage. */
function otherStage(node) {
    const stage = node.graph.stage, other = stage === STAGES.model ? STAGES.graph : STAGES.model;
    if (node.graph.parent !== null || other.error !== null) {
        return null;
    }
    const found = counterpart(node);
    const text = found !== undefined ? nodeLink(found)
        : stage === STAGES.model ? "gone: folded, or a part of a fused node" : "not in the file";
    return section(other.title, [make("div", {className: "entry"}, text)]);
}

function nodeDetails(node) {
    const {graph} = node, fusion = fusionOf(node);
    const domain = (node.domain === "" ? "ai.onnx" : node.domain) + " " + node.version;
    const bodies = node.bodies.map((body, index) => make("div", {className: "entry"},
        make("button", {type: "button", onclick: () => APP.showGraph(graph.body(node, index))},
             "Show " + body.attribute), " " + plural(body.nodes.length, "node")));
    return [
        make("h2", {}, node.op_type),
        make("p", {className: "muted"},
             domain + (fusion === undefined ? "" : " · made by " + fusion.pass)),
        row("name", node.name === "" ? "(none)" : node.name),
        node.module === ROOT ? null
            : row("module", linkTo(modulePath(node.module), {kind: "module", id: node.module})),
        section("Attributes", node.attributes.map(
            (attribute) => row(attribute.name, attributeText(attribute)))),
        section("Inputs", node.inputs.map((name) => valueEntry(graph, name))),
        section("Outputs", node.outputs.map((name) => valueEntry(graph, name))),
        section("Bodies", bodies),
        otherStage(node),
    ];
}

function valueDetails(value) {
    const {graph, constant, producer} = value;
    const what = constant !== null ? "Weight" : value.isInput ? "Input"
        : value.outputs.length > 0 ? "Output" : "Value";
    return [
        make("h2", {}, what),
        make("p", {className: "mono"}, value.name),
        row("type", typeText(graph.fact(value))),
        constant !== null ? row("bytes", bytesText(constant.bytes)) : null,
        constant?.location ? row("stored in", constant.location) : null,
        constant !== null && constant.data !== null
            ? section("Content", [make("code", {}, elementsText(constant, 64))]) : null,
        producer !== null ? section("Made by", [nodeLink(producer)]) : null,
        section("Read by", value.consumers.slice(0, 200).map(nodeLink)),
        section("Output as", value.outputs.map((output) => row(output.name, ""))),
    ];
}

function sumRows(module) {
    const {nodes, parameters, bytes, macs} = MODULES[module];
    return [row("nodes in the file", countText(nodes)),
            row("parameters", countText(parameters)), row("weights", bytesText(bytes)),
            macs !== null ? row("MACs", countText(macs)) : null];
}

function moduleDetails(module) {
    const group = APP.graph.groups.get(module);
    const isOpen = OPEN.has(module);
    return [
        make("h2", {}, MODULES[module].name),
        make("p", {className: "muted"}, MODULES[module].class ?? "module"),
        make("p", {}, make("button", {type: "button", onclick: () => APP.toggle(module)},
                           isOpen ? "Close" : "Open")),
        row("path", modulePath(module)),
        row("nodes shown", countText(group !== undefined ? group.count : 0)),
        ...sumRows(module),
    ];
}

/* ---- the whole model ---- */

function histogram(nodes) {
    const counts = new Map();
    nodes.forEach((node) => counts.set(node.op_type, (counts.get(node.op_type) ?? 0) + 1));
    const sorted = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    return sorted.map(([op, count]) => {
        const bar = make("span", {className: "bar"});
        bar.style.width = Math.max(1, 100 * count / sorted[0][1]) + "%";
        bar.style.background = opColor(op);
        return make("div", {className: "count"},
                    make("button", {className: "link", type: "button",
                                    onclick: () => APP.search(op)}, op),
                    make("span", {className: "bars"}, bar),
                    make("span", {className: "number"}, countText(count)));
    });
}

function passRows() {
    if (PASSES === null) {
        return [make("p", {className: "error"}, PAGE.errors.passes)];
    }
    const rows = PASSES.passes
        .filter((pass) => pass.fused + pass.removed + pass.added + pass.near_misses > 0)
        .map((pass) => row(pass.pass, [
            pass.fused > 0 ? pass.fused + " fused" : "",
            pass.removed > 0 ? pass.removed + " gone" : "",
            pass.added > 0 ? pass.added + " added" : "",
            pass.near_misses > 0 ? plural(pass.near_misses, "near miss").replace("misss", "misses")
                : ""].filter((text) => text !== "").join(", ")));
    return [row("nodes", countText(PASSES.nodes_before) + " → " +
                         countText(PASSES.nodes_after)), ...rows];
}

/* A node that the report names by its label, in the first of the stages that has it. */
function reportEntry(label, text, ...stages) {
    const node = stages.filter((stage) => stage.error === null)
        .flatMap((stage) => stage.graph.nodes).find((one) => nodeLabel(one) === label);
    return make("div", {className: "entry"},
                node === undefined ? label : linkTo(label, {kind: "node", id: node}),
                make("div", {className: "type"}, text));
}

function missText({pass, op, value, expected, found}) {
    return `${pass}, no ${op}: ` + (value !== null ? `${value}: ` : "") +
        `expected ${expected}, found ${found}`;
}

function reportSections() {
    if (PASSES === null) {
        return [];
    }
    return [
        section("Not supported", PASSES.unsupported.flatMap((missing) => missing.nodes.map(
            (label) => reportEntry(label, missing.detail ?? missing.op, STAGES.model)))),
        section("Near misses", PASSES.near_misses.map((miss) =>
            reportEntry(miss.node, missText(miss), STAGES.graph, STAGES.model))),
    ];
}

function signature(graph) {
    const entry = (fact) => make("div", {className: "entry"},
        linkTo(fact.name, {kind: "value", id: graph.values.get(fact.value ?? fact.name)}),
        make("div", {className: "type"}, typeText(fact)));
    return [section("Inputs", graph.json.inputs.map(entry)),
            section("Outputs", graph.json.outputs.map(entry))];
}

function modelDetails() {
    const {json} = STAGES.model, {graph} = APP;
    const opsets = json.opsets.map((set) =>
        (set.domain === "" ? "ai.onnx" : set.domain) + " " + set.version).join(", ");
    const isMain = graph.parent === null;
    const facts = [
        row("file", PAGE.file), row("IR version", String(json.ir_version)),
        json.producer_name !== "" ? row("made by", json.producer_name + " " + json.producer_version)
            : null,
        row("operator sets", opsets), ...sumRows(ROOT),
        ...json.metadata.map((entry) => row(entry.key, entry.value)),
    ];
    return [
        make("h2", {}, isMain ? json.name : graph.title),
        ...(isMain ? facts : []),
        ...signature(graph),
        isMain ? section("Passes", passRows()) : null,
        ...(isMain ? reportSections() : []),
        section("Operators", histogram(graph.nodes)),
    ];
}

function showDetails(selected) {
    const details = selected === null ? modelDetails()
        : selected.kind === "node" ? nodeDetails(selected.id)
            : selected.kind === "module" ? moduleDetails(selected.id) : valueDetails(selected.id);
    const panel = document.getElementById("panel");
    panel.replaceChildren(...details.filter((part) => part !== null));
    panel.scrollTop = 0;
}

/* ---- the tree of modules ---- */

const unfolded = new Set([ROOT]); /* in the tree */

function treeRow(module, level, selected) {
    const inner = APP.graph.groups.get(module).modules;
    const name = module === ROOT ? "all" : MODULES[module].name;
    const {class: className, parameters} = MODULES[module];
    const twisty = make("button", {className: "twisty", type: "button", tabIndex: -1,
                                   ariaLabel: "fold " + name,
                                   onclick: () => fold(module)},
                        inner.length === 0 ? "" : unfolded.has(module) ? "▾" : "▸");
    const label = make("button", {className: "module", type: "button",
                                  title: modulePath(module) + (className ? ": " + className : ""),
                                  onclick: () => APP.reveal({kind: "module", id: module})},
                       name, className !== null ? make("small", {}, " " + className) : "");
    const sum = make("span", {className: "number"}, parameters > 0 ? scaledText(parameters) : "");
    const line = make("div", {className: "line"}, twisty, label, sum);
    line.style.paddingLeft = 4 + 14 * level + "px";
    line.classList.toggle("selected", module === selected && module !== ROOT);
    return line;
}

function fold(module) {
    if (!unfolded.delete(module)) {
        unfolded.add(module);
    }
    showTree(APP.moduleOf(APP.selected));
}

/* The tree of modules; selected: the one to mark. */
function showTree(selected) {
    const lines = [], left = [{module: ROOT, level: 0}];
    while (left.length > 0) {
        const {module, level} = left.pop();
        lines.push(treeRow(module, level, selected));
        if (unfolded.has(module)) {
            const inner = APP.graph.groups.get(module).modules;
            inner.slice().reverse().forEach((one) => left.push({module: one, level: level + 1}));
        }
    }
    const tree = document.getElementById("tree");
    const isEmpty = APP.graph.groups.get(ROOT).modules.length === 0;
    document.body.classList.toggle("flat", isEmpty);
    tree.replaceChildren(...(isEmpty ? [] : lines));
}
