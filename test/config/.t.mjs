// src/config/yaml.ts
import { Lexer, LineCounter, parseDocument } from "yaml";

// src/config/errors.ts
var InputError = class extends Error {
  name = "InputError";
  details;
  /** @param problem what is wrong and what to do, as one sentence that reads after `file:line: key:`. */
  constructor(problem, details = {}) {
    const place = [details.file === void 0 ? "" : `${details.file}${details.line === void 0 ? "" : `:${details.line}`}`, details.key ?? ""].filter((part) => part !== "").map((part) => `${part}: `).join("");
    const found = details.value === void 0 ? "" : ` (found ${shown(details.value)})`;
    super(oneLine(`${place}${problem}${found}`));
    this.details = details;
  }
};
function shown(value) {
  const text = typeof value === "number" && !Number.isFinite(value) ? String(value) : JSON.stringify(value) ?? String(value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}
function oneLine(text) {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (c) => {
    return `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

// src/config/place.ts
function inputErrorAt(place, problem, value) {
  return new InputError(problem, {
    ...place.file === null ? {} : { file: place.file },
    ...place.line === null ? {} : { line: place.line },
    ...place.key === null || place.key === "" ? {} : { key: place.key },
    ...value === void 0 ? {} : { value }
  });
}
function formatPath(path) {
  return path.reduce((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? part : `${text}.${part}`;
  }, "");
}

// src/config/values.ts
import { distance } from "fastest-levenshtein";
function isMapping(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
function mappingOf(entries) {
  const mapping = /* @__PURE__ */ Object.create(null);
  for (const [key, value] of entries) mapping[key] = value;
  return mapping;
}

// src/config/yaml-tree.ts
import { isAlias, isMap, isScalar } from "yaml";
var MAX_ALIASED_VALUES = 1e4;
var MAX_DEPTH = 64;
function treeOf(document, lines, fail) {
  const { contents } = document;
  if (contents === null) return null;
  return build(contents, [], { lines, fail, anchors: /* @__PURE__ */ new Map(), aliased: 0 }, 1);
}
function build(node, path, state, line) {
  if (node === null) return leaf(null, "", line);
  const start = lineAt(node, state, line);
  if (path.length > MAX_DEPTH) throw state.fail(`is nested deeper than ${MAX_DEPTH} levels`, start, path.slice(0, 3));
  if (isAlias(node)) return aliasTarget(node.source, path, state, start);
  if (node.tag !== void 0) {
    throw state.fail(`has the tag ${shortTag(node.tag)}: tags are not supported, write the plain value`, start, path);
  }
  if (node.anchor !== void 0) state.anchors.set(node.anchor, "open");
  const built = isScalar(node) ? scalar(node, start) : collection(node, path, state, start);
  if (node.anchor !== void 0) state.anchors.set(node.anchor, built);
  return built;
}
function aliasTarget(name, path, state, line) {
  const target = state.anchors.get(name);
  if (target === void 0) throw state.fail(`the alias *${name} has no anchor &${name} before it`, line, path);
  if (target === "open") throw state.fail(`the alias *${name} stands inside its own anchor`, line, path);
  state.aliased += target.size;
  if (state.aliased > MAX_ALIASED_VALUES) {
    throw state.fail(`its aliases expand to more than ${MAX_ALIASED_VALUES} values: write the values out`, line, path);
  }
  return target;
}
function collection(node, path, state, line) {
  const children = isMap(node) ? mapChildren(node.items, path, state, line) : listChildren(node.items, path, state, line);
  const nodes = [...children].map(([key, child]) => [key, child.node.value]);
  const value = isMap(node) ? mappingOf(nodes) : nodes.map(([, item]) => item);
  let size = 1;
  for (const child of children.values()) size += child.node.size;
  return { value: Object.freeze(value), line, source: null, children, size };
}
function listChildren(items, path, state, line) {
  const children = /* @__PURE__ */ new Map();
  items.forEach((item, index) => {
    const keyLine = item === null ? line : lineAt(item, state, line);
    children.set(String(index), { keyLine, node: build(item, [...path, index], state, keyLine) });
  });
  return children;
}
function mapChildren(pairs, path, state, line) {
  const own = /* @__PURE__ */ new Map();
  const merged = /* @__PURE__ */ new Map();
  for (const pair of pairs) {
    const keyLine = lineAt(pair.key, state, line);
    const key = keyText(pair.key, path, state, keyLine);
    const keyPath = [...path, key];
    const earlier = own.get(key);
    if (earlier !== void 0) throw state.fail(`is given twice, first on line ${earlier.keyLine}`, keyLine, keyPath);
    const node = build(pair.value, keyPath, state, keyLine);
    if (key === "<<" && pair.key.type === "PLAIN") {
      for (const [name, child] of mergeSources(node, keyPath, state, keyLine)) {
        if (!merged.has(name)) merged.set(name, child);
      }
    } else own.set(key, { keyLine, node });
  }
  for (const [name, child] of merged) if (!own.has(name)) own.set(name, child);
  return own;
}
function keyText(key, path, state, line) {
  if (!isScalar(key)) throw state.fail("has a key that is not plain text", line, path);
  if (key.tag !== void 0) {
    throw state.fail(`has a key with the tag ${shortTag(key.tag)}: tags are not supported`, line, path);
  }
  return String(key.value);
}
function mergeSources(node, path, state, line) {
  const sources = Array.isArray(node.value) ? [...node.children.values()].map((child) => child.node) : [node];
  return sources.flatMap((source) => {
    if (source.source !== null || Array.isArray(source.value)) throw state.fail("must name a mapping to merge", line, path);
    return [...source.children];
  });
}
function scalar(node, line) {
  const source = node.source ?? "";
  const ambiguous = node.type === "PLAIN" && /^[-+]?0[0-9]+$/.test(source);
  return leaf(ambiguous ? source : node.value, source, line);
}
function leaf(value, source, line) {
  return { value, source, line, children: /* @__PURE__ */ new Map(), size: 1 };
}
function lineAt(node, state, otherwise) {
  const offset = node.range?.[0];
  return offset === void 0 ? otherwise : Math.max(1, state.lines.linePos(offset).line);
}
function shortTag(tag) {
  return tag.replace(/^tag:yaml\.org,2002:/, "!!");
}
function descend(root, path) {
  let at = { keyLine: root.line, node: root };
  for (const key of path) {
    const child = at.node.children.get(String(key));
    if (child === void 0) return { exact: false, at };
    at = child;
  }
  return { exact: true, at };
}

// src/config/yaml.ts
var MAX_BYTES = 1024 * 1024;
function parseYaml(text, path) {
  const fail = (problem, line, keyPath) => inputErrorAt({ file: path, line, key: formatPath(keyPath) }, problem);
  const root = parseTree(text, fail);
  if (root === null || root.source === "") throw new InputError("is empty", { file: path });
  const { value } = root;
  if (!isMapping(value)) throw inputErrorAt({ file: path, line: root.line, key: null }, "must be a mapping of keys", value);
  return {
    path,
    value,
    lineOf: (keyPath) => descend(root, keyPath).at.keyLine,
    sourceOf: (keyPath) => {
      const { exact, at } = descend(root, keyPath);
      return exact ? at.node.source : null;
    }
  };
}
function parseTree(text, fail) {
  const plain = text.replace(/^\ufeff/, "");
  refuseDeepNesting(plain, fail);
  const lines = new LineCounter();
  const document = parsed(plain, lines, fail);
  const [error] = document.errors;
  if (error !== void 0) throw fail(syntaxProblem(error), lines.linePos(error.pos[0]).line || 1, []);
  return treeOf(document, lines, fail);
}
function refuseDeepNesting(text, fail) {
  let line = 1;
  let brackets = 0;
  let dashes = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === "[" || token === "{") brackets += 1;
    else if (token === "]" || token === "}") brackets -= 1;
    else if (token === "-" || token === "?") dashes += 1;
    else if (token.includes("\n")) {
      line += token.split("\n").length - 1;
      dashes = 0;
    }
    if (brackets > MAX_DEPTH || dashes > MAX_DEPTH) throw fail(`is nested deeper than ${MAX_DEPTH} levels`, line, []);
  }
}
function parsed(text, lineCounter, fail) {
  try {
    return parseDocument(text, {
      version: "1.2",
      schema: "core",
      resolveKnownTags: false,
      stringKeys: true,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: "error",
      lineCounter
    });
  } catch (error) {
    if (error instanceof RangeError) throw fail("is nested too deeply", 1, []);
    throw error;
  }
}
function syntaxProblem(error) {
  switch (error.code) {
    case "MULTIPLE_DOCS":
      return "holds more than one YAML document (---): keep one";
    case "TAG_RESOLVE_FAILED":
      return `has a tag (${error.message}): tags are not supported, write the plain value`;
    case "RESOURCE_EXHAUSTION":
      return "is nested too deeply";
    case "NON_STRING_KEY":
      return "has a key that is not plain text";
    default:
      return `is not valid YAML: ${error.message}`;
  }
}

// ../../tmp/cfgw/t.ts
var t = (n, s) => {
  const a = performance.now();
  let r;
  try {
    const f = parseYaml(s, "f.yaml");
    r = JSON.stringify(f.value)?.slice(0, 100);
  } catch (e) {
    r = e.name + " " + e.message.slice(0, 200);
  }
  console.log(n, (performance.now() - a).toFixed(0) + "ms", r);
};
t("warm", "a: 1");
t("brackets", "a: " + "[".repeat(1e6));
t("braces", "a: " + "{a: ".repeat(2e5));
t("balanced", "a: " + "[".repeat(5e5) + "]".repeat(5e5));
t("dashes", "- ".repeat(5e5));
t("manyseq", "a:\n" + "- b\n".repeat(25e4));
t("indent", Array.from({ length: 1400 }, (_, i) => " ".repeat(i) + "a:").join("\n"));
t("keys", Array.from({ length: 15e4 }, (_, i) => `k${i}:`).join("\n"));
t("comments", "#\n".repeat(5e5) + "a: 1");
t("anchors", "a:\n" + Array.from({ length: 5e4 }, (_, i) => ` - &k${i} 1`).join("\n"));
t("empties", "a: [" + ",".repeat(1e6) + "]");
t("quotes", "a: [" + '"",'.repeat(3e5) + "]");
t("ques", "? a\n".repeat(2e5));
t("bad lines", "a: b: c\n".repeat(1e5));
t("colon", ":".repeat(1e6));
t("cc", ": ".repeat(5e5));
t("q", "? ".repeat(5e5));
t("&", "a: " + "&".repeat(1e6));
t("docs", "---\n".repeat(25e4));
t("%", "%A\n".repeat(3e5));
t("seqalias", "&a ".repeat(3e5));
t("nl", "\n".repeat(1e6) + "a: 1");
t("sp", " ".repeat(1e6) + "a: 1");
t('"', '"'.repeat(1e6));
t("'", "a: '" + "''".repeat(5e5));
t("esc", 'a: "' + "\\x".repeat(5e5) + '"');
t("crs", "\r".repeat(1e6));
