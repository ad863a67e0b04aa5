'use strict';
// Reads out of the Node binary that runs this what cordon's platform `node` is made of, and writes it to a folder:
//
//   lib/<id>.js    the standard library's modules, as they were compiled into the binary
//   roots.pem      the certificates that it trusts by itself
//   facts.json     for each internal binding what it has: constants as values, functions and classes by name
//   LICENSE        Node's licence
//
// Usage: node --expose-internals --no-warnings extract.cjs FOLDER

const fs = require('fs');
const path = require('path');
const { types } = require('util');
const { internalBinding } = require('internal/test/binding');

const [out] = process.argv.slice(2);
const { natives } = internalBinding('builtins');
for (const [id, text] of Object.entries(natives)) {
  const file = path.join(out, 'lib', `${id}.js`);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
}

/** The bindings that the library asks for. */
function bindingNames() {
  const names = new Set();
  for (const text of Object.values(natives)) {
    for (const [, name] of text.matchAll(/internalBinding\('(\w+)'\)/g)) names.add(name);
  }
  return [...names].sort();
}

// What depends on the machine or the process that this runs on, and what the library text already is.
const LEFT_OUT = {
  builtins: ['natives', 'builtinIds', 'builtinCategories'],
};

const isObject = (value) => value !== null && typeof value === 'object';

/** A class is a function whose prototype has something, or that inherits. */
function describeFunction(value) {
  const { prototype } = value;
  const members = prototype ? Reflect.ownKeys(prototype).filter((key) => typeof key === 'string' && key !== 'constructor') : [];
  const statics = Reflect.ownKeys(value).filter((key) =>
    typeof key === 'string' && !['length', 'name', 'prototype', 'arguments', 'caller'].includes(key));
  if (members.length === 0 && !/^[A-Z]/.test(value.name)) return { function: true };
  return { class: { members, statics } };
}

function describe(value, depth) {
  switch (typeof value) {
    case 'function': return describeFunction(value);
    case 'symbol': return { symbol: value.description };
    case 'bigint': return { bigint: String(value) };
    case 'undefined': return { undefined: true };
    case 'number': return Number.isFinite(value) && !Object.is(value, -0) ? { value } : { number: String(value) };
    case 'object': break;
    default: return { value };
  }
  if (value === null) return { value };
  if (ArrayBuffer.isView(value)) return { view: value.constructor.name, length: value.length };
  if (types.isMap(value)) {
    return { map: [...Map.prototype.entries.call(value)].map(([key, entry]) => [describe(key, depth + 1), describe(entry, depth + 1)]) };
  }
  if (Array.isArray(value)) return { array: value.map((entry) => describe(entry, depth + 1)) };
  if (depth > 3) return { undefined: true };
  const properties = {};
  for (const key of Reflect.ownKeys(value)) {
    if (typeof key !== 'string' || (key === 'constructor' && depth > 0)) continue;
    const descriptor = Reflect.getOwnPropertyDescriptor(value, key);
    properties[key] = 'value' in descriptor ? describe(descriptor.value, depth + 1) : { accessor: true };
  }
  return { object: properties, bare: Object.getPrototypeOf(value) === null };
}

const bindings = {};
for (const name of bindingNames()) {
  let binding;
  try {
    binding = internalBinding(name);
  } catch {
    continue; // Not in this build.
  }
  const described = describe(binding, 0).object;
  for (const key of LEFT_OUT[name] ?? []) delete described[key];
  bindings[name] = described;
}

// What this binary answers to questions that have one answer for all processes without options.
const options = internalBinding('options');
const uv = internalBinding('uv');
const answers = {
  optionValues: describe(options.getCLIOptionsValues(), 0).object,
  optionInfo: describe(options.getCLIOptionsInfo(), 0),
  environmentOptionTypes: describe(options.getEnvOptionsInputType(), 0),
  namespaceOptionTypes: describe(options.getNamespaceOptionsInputType(), 0),
  embedderOptions: describe(options.getEmbedderOptions(), 0).object,
  uvErrors: [...uv.getErrorMap()].map(([number, [name, message]]) => [number, name, message]),
  versions: { ...process.versions },
  release: describe(process.release, 0).object,
  categories: internalBinding('builtins').builtinCategories,
};
fs.writeFileSync(path.join(out, 'roots.pem'), require('tls').rootCertificates.join('\n'));
const ids = Object.keys(natives);
fs.writeFileSync(path.join(out, 'facts.json'), JSON.stringify({ ids, bindings, answers }, null, 1));
fs.copyFileSync(path.join(path.dirname(process.execPath), '..', 'LICENSE'), path.join(out, 'LICENSE'));
