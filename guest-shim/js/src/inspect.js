// Values in words, for the console and for errors: what Node's users know from `util.inspect`, in less. It runs no
// code of the values (except `Symbol.for("nodejs.util.inspect.custom")` and an error's `stack`): proxies are looked
// through, getters named.

const inspectCustom = symbolFor("nodejs.util.inspect.custom");
const INSPECT_WIDTH = 76;
const INSPECT_ITEMS = 100;
const INSPECT_TEXT = 10_000;
const INSPECT_TOTAL = 1 << 20;
const identifierPattern = /^[a-zA-Z_$][a-zA-Z_$0-9]*$/;
const numberPattern = /^-?[0-9.]+(e[+-]?[0-9]+)?n?$/;
const controlPattern = /[\x00-\x1f\x7f-\x9f\\]/;

function quoteText(text) {
  let quote = "'";
  if (stringIncludes(text, "'")) {
    if (!stringIncludes(text, '"')) quote = '"';
    else if (!stringIncludes(text, "`") && !stringIncludes(text, "${")) quote = "`";
  }
  if (!regExpTest(controlPattern, text) && !stringIncludes(text, quote) && stringIsWellFormed(text)) {
    return quote + text + quote;
  }
  let escaped = "";
  for (let i = 0; i < text.length; i++) {
    const code = stringCharCodeAt(text, i);
    if (text[i] === quote || text[i] === "\\") escaped += "\\" + text[i];
    else if (code === 10) escaped += "\\n";
    else if (code === 9) escaped += "\\t";
    else if (code === 13) escaped += "\\r";
    else if (code === 8) escaped += "\\b";
    else if (code < 32 || (code >= 127 && code < 160)) escaped += "\\x" + stringPadStart(hex(code), 2, "0");
    else if (code >= 0xd800 && code < 0xe000 && !pairAt(text, i)) escaped += "\\u" + hex(code);
    else escaped += text[i];
  }
  return quote + escaped + quote;
}

function hex(number) {
  const digits = "0123456789ABCDEF";
  let text = "";
  do { text = digits[number & 15] + text; number >>>= 4; } while (number > 0);
  return text;
}

function pairAt(text, i) {
  const code = stringCharCodeAt(text, i);
  const other = stringCharCodeAt(text, code < 0xdc00 ? i + 1 : i - 1);
  return code < 0xdc00 ? other >= 0xdc00 && other < 0xe000 : other >= 0xd800 && other < 0xdc00;
}

function formatNumber(number) {
  return sameValue(number, -0) ? "-0" : `${number}`;
}

function formatPrimitive(value, nested) {
  switch (typeof value) {
    case "string": {
      if (value.length <= INSPECT_TEXT) return quoteText(value);
      const rest = value.length - INSPECT_TEXT;
      return `${quoteText(stringSlice(value, 0, INSPECT_TEXT))}... ${rest} more character${rest > 1 ? "s" : ""}`;
    }
    case "number": return formatNumber(value);
    case "bigint": return `${value}n`;
    case "symbol": return symbolToString(value);
    default: return `${value}`;
  }
}

function formatKey(key) {
  if (typeof key === "symbol") return `[${symbolToString(key)}]`;
  return regExpTest(identifierPattern, key) ? key : quoteText(key);
}

/** The name of an object's class, and whether it has a prototype at all. */
function classOf(value, kind) {
  if (getPrototypeOf(value) === null) return `[${kind}: null prototype]`;
  return natives.constructorName(value) || kind;
}

/** `Map`, or `Special(2) [Map]` for what extends it. */
function headOf(value, kind, size) {
  const name = classOf(value, kind);
  const count = size === undefined ? "" : `(${size})`;
  let head = name === kind || stringStartsWith(name, "[") ? `${name}${count}` : `${name}${count} [${kind}]`;
  const tag = tagOf(value);
  if (tag !== "" && tag !== name && tag !== kind) head += ` [${tag}]`;
  return head;
}

/** An own or inherited `Symbol.toStringTag` that is plain data. */
function tagOf(value) {
  for (let object = value, depth = 0; object !== null && depth < 16; depth++) {
    if (natives.kindOf(object) === "Proxy") return "";
    const found = getOwnPropertyDescriptor(object, symbolToStringTag);
    if (found !== undefined) return typeof found.value === "string" ? found.value : "";
    object = getPrototypeOf(object);
  }
  return "";
}

function formatFunction(value) {
  const source = functionToString(value);
  const name = getOwnPropertyDescriptor(value, "name");
  const label = typeof name?.value === "string" && name.value !== "" ? name.value : "";
  if (stringStartsWith(source, "class") && stringEndsWith(source, "}")) {
    const parent = getPrototypeOf(value);
    const parentName = typeof parent === "function" ? getOwnPropertyDescriptor(parent, "name")?.value : undefined;
    const heir = typeof parentName === "string" && parentName !== "" ? ` extends ${parentName}` : "";
    return `[class ${label === "" ? "(anonymous)" : label}${heir}]`;
  }
  const kind = natives.constructorName(value) || "Function";
  return label === "" ? `[${kind} (anonymous)]` : `[${kind}: ${label}]`;
}

/** An error's stack, with name and message if the stack lacks them. */
function formatError(value, context) {
  let stack;
  try { stack = value.stack; } catch { /* a getter of the guest's */ }
  if (typeof stack !== "string" || stack === "") {
    try { return `[${errorToString(value)}]`; } catch { return "[Error]"; }
  }
  if (!stringIncludes(stack, "\n    at")) stack = `[${stack}]`;
  return context.indent === 0 ? stack : arrayJoin(stringSplit(stack, "\n"), `\n${stringRepeat(" ", context.indent)}`);
}

function inspect(value, options) {
  const depth = options?.depth;
  const context = {
    __proto__: null,
    depth: depth === null ? Infinity : typeof depth === "number" ? depth : 2,
    showHidden: options?.showHidden === true,
    seen: [],
    circular: new MapOf(),
    indent: 0,
    total: 0,
  };
  return formatAny(value, context, 0);
}

function formatAny(value, context, level) {
  if (typeof value !== "object" && typeof value !== "function" || value === null) return formatPrimitive(value);
  let kind = natives.kindOf(value);
  for (let hops = 0; kind === "Proxy"; hops++) {
    const target = natives.proxyDetails(value)[0];
    if (target === null) return "<Revoked Proxy>";
    if (hops > 64) return "[Proxy]";
    value = target;
    kind = natives.kindOf(value);
  }
  if (kind !== "Module") {
    const custom = getOwnOrInherited(value, inspectCustom);
    if (typeof custom === "function" && custom !== inspect) {
      const left = context.depth - level;
      const made = apply(custom, value, [left, { depth: left, stylize: (text) => `${text}` }, inspect]);
      if (made !== value) return typeof made === "string" ? made : formatAny(made, context, level);
    }
  }
  if (arrayIncludes(context.seen, value)) {
    if (!mapHas(context.circular, value)) mapSet(context.circular, value, mapSize(context.circular) + 1);
    return `[Circular *${mapGet(context.circular, value)}]`;
  }
  if (context.total > INSPECT_TOTAL) return "[...]";
  return formatObject(value, kind, context, level);
}

/** A property that is data, found without running anything. */
function getOwnOrInherited(value, key) {
  for (let object = value, depth = 0; object !== null && depth < 64; depth++) {
    if (natives.kindOf(object) === "Proxy") return undefined;
    const found = getOwnPropertyDescriptor(object, key);
    if (found !== undefined) return found.value;
    object = getPrototypeOf(object);
  }
  return undefined;
}

function formatObject(value, kind, context, level) {
  const shape = shapeOf(value, kind, context);
  const keys = keysOf(value, kind, context);
  if (shape.items === undefined && keys.length === 0 && shape.alone !== undefined) return shape.alone;
  if (level > context.depth) return kind === "Array" ? "[Array]" : `[${stripHead(shape.head, kind)}]`;
  arrayPush(context.seen, value);
  context.indent += 2;
  let entries = [];
  try {
    if (shape.items !== undefined) shape.items(entries, context, level + 1);
    for (let i = 0; i < keys.length; i++) {
      if (i >= INSPECT_ITEMS * 10) {
        arrayPush(entries, `... ${keys.length - i} more properties`);
        break;
      }
      arrayPush(entries, formatProperty(value, keys[i], context, level + 1));
    }
  } finally {
    context.indent -= 2;
    context.seen.length--;
  }
  const label = mapGet(context.circular, value);
  const head = label === undefined ? shape.head : `<ref *${label}>${shape.head === "" ? "" : " "}${shape.head}`;
  const text = assemble(head, shape.open, shape.close, entries, context, kind === "Array" || kind === "TypedArray");
  context.total += text.length;
  return text;
}

function stripHead(head, kind) {
  return head === "" ? (kind === "Array" ? "Array" : "Object") : head;
}

/** Entries on one line if they fit there, else each on its own; many short ones of a list share lines. */
function assemble(head, open, close, entries, context, isList) {
  const before = head === "" ? "" : `${head} `;
  if (entries.length === 0) return `${before}${open}${close}`;
  let width = before.length + open.length + context.indent + 4;
  let broken = false, longest = 0;
  for (let i = 0; i < entries.length; i++) {
    width += entries[i].length + 2;
    if (!stringStartsWith(entries[i], "... ")) longest = max(longest, entries[i].length);
    broken ||= stringIncludes(entries[i], "\n");
  }
  if (!broken && width <= INSPECT_WIDTH && (!isList || entries.length <= 6 || width <= 60)) {
    return `${before}${open} ${arrayJoin(entries, ", ")} ${close}`;
  }
  const indent = `\n${stringRepeat(" ", context.indent + 2)}`;
  const end = `\n${stringRepeat(" ", context.indent)}${close}`;
  if (!isList || broken || entries.length <= 6 || longest > 16) {
    return `${before}${open}${indent}${arrayJoin(entries, `,${indent}`)}${end}`;
  }
  const rest = stringStartsWith(entries[entries.length - 1], "... ") ? entries[entries.length - 1] : undefined;
  const count = rest === undefined ? entries.length : entries.length - 1;
  const columns = max(1, min(16, floor((INSPECT_WIDTH - context.indent) / (longest + 2))));
  let lines = "";
  for (let i = 0; i < count; i += columns) {
    const row = arraySlice(entries, i, min(count, i + columns));
    for (let j = 0; j < row.length; j++) {
      const comma = i + j < entries.length - 1 ? "," : "";
      if (regExpTest(numberPattern, row[j])) row[j] = `${stringPadStart(row[j], longest)}${comma}`;
      else row[j] = j === row.length - 1 ? `${row[j]}${comma}` : stringPadEnd(`${row[j]}${comma}`, longest + 1);
    }
    lines += indent + arrayJoin(row, " ");
  }
  return `${before}${open}${lines}${rest === undefined ? "" : indent + rest}${end}`;
}

function formatProperty(object, key, context, level) {
  const property = getOwnPropertyDescriptor(object, key);
  const name = property?.enumerable === false ? `[${typeof key === "symbol" ? symbolToString(key) : key}]` : formatKey(key);
  if (property === undefined) return `${name}: undefined`;
  if (property.get !== undefined) return `${name}: ${property.set !== undefined ? "[Getter/Setter]" : "[Getter]"}`;
  if (property.set !== undefined) return `${name}: [Setter]`;
  return `${name}: ${formatAny(property.value, context, level)}`;
}

/** The own enumerable keys to show besides the items. */
function keysOf(value, kind, context) {
  if (kind === "Module") return ownStringKeys(value);
  const all = ownKeys(value);
  const indexed = kind === "Array" || kind === "TypedArray" || kind === "Arguments" || kind === "String";
  const shown = [];
  for (let i = 0; i < all.length; i++) {
    const key = all[i];
    if (indexed && typeof key === "string" && isIndex(key)) continue;
    if (context.showHidden ? key === "length" && indexed : !isEnumerable(value, key)) {
      if (!(kind === "Error" && key === "cause") && !(kind === "Error" && key === "errors")) continue;
    }
    if (kind === "Error" && (key === "stack" || key === "message")) continue;
    arrayPush(shown, key);
  }
  return shown;
}

function ownStringKeys(value) {
  const all = ownKeys(value), strings = [];
  for (let i = 0; i < all.length; i++) if (typeof all[i] === "string") arrayPush(strings, all[i]);
  return strings;
}

function isIndex(key) {
  const code = stringCharCodeAt(key, 0);
  return code >= 48 && code <= 57 && key.length <= 16 && isInteger(+key);
}

/** How a kind of object is shown: its head, its brackets, its items; `alone` where there is nothing inside. */
function shapeOf(value, kind, context) {
  const braces = { __proto__: null, head: "", open: "{", close: "}", items: undefined, alone: undefined };
  switch (kind) {
    case "Array": {
      const name = classOf(value, "Array");
      if (name !== "Array") braces.head = `${name}(${value.length})`;
      braces.open = "[";
      braces.close = "]";
      braces.items = (entries, context, level) => listItems(value, entries, context, level);
      return braces;
    }
    case "TypedArray": {
      const name = typedArrayTag(value), length = typedArrayLength(value);
      braces.head = `${name}(${length})`;
      braces.open = "[";
      braces.close = "]";
      braces.items = (entries) => {
        const shown = min(length, INSPECT_ITEMS);
        for (let i = 0; i < shown; i++) arrayPush(entries, formatPrimitive(value[i]));
        if (length > shown) arrayPush(entries, `... ${length - shown} more item${length - shown > 1 ? "s" : ""}`);
      };
      return braces;
    }
    case "Arguments":
      braces.head = "[Arguments]";
      braces.open = "[";
      braces.close = "]";
      braces.items = (entries, context, level) => listItems(value, entries, context, level);
      return braces;
    case "Map":
    case "Set":
      braces.head = headOf(value, kind, kind === "Map" ? mapSize(value) : setSize(value));
      braces.items = (entries, context, level) => collectionItems(value, kind, entries, context, level);
      return braces;
    case "MapIterator":
    case "SetIterator":
      braces.head = kind === "MapIterator" ? "[Map Iterator]" : "[Set Iterator]";
      braces.items = (entries, context, level) => previewItems(value, entries, context, level);
      return braces;
    case "WeakMap":
    case "WeakSet":
      braces.head = headOf(value, kind);
      braces.items = (entries) => { arrayPush(entries, "<items unknown>"); };
      return braces;
    case "Promise":
      braces.head = headOf(value, "Promise");
      braces.items = (entries, context, level) => {
        const details = natives.promiseDetails(value);
        if (details === undefined) arrayPush(entries, "<pending>");
        else arrayPush(entries, `${details[0] ? "" : "<rejected> "}${formatAny(details[1], context, level)}`);
      };
      return braces;
    case "ArrayBuffer":
    case "SharedArrayBuffer":
      braces.head = kind;
      braces.items = (entries) => bufferItems(value, kind, entries);
      return braces;
    case "DataView":
      braces.head = "DataView";
      braces.items = (entries) => {
        arrayPush(entries, `byteLength: ${viewLength(value)}`);
        arrayPush(entries, `byteOffset: ${viewOffset(value)}`);
      };
      return braces;
    case "Error":
      braces.head = braces.alone = formatError(value, context);
      return braces;
    case "Function":
      braces.head = braces.alone = formatFunction(value);
      return braces;
    case "Date": {
      const time = dateGetTime(value);
      braces.head = braces.alone = numberIsNaN(time) ? "Invalid Date" : dateToISOString(value);
      return braces;
    }
    case "RegExp":
      braces.head = braces.alone = regExpToString(value);
      return braces;
    case "Module":
      braces.head = "[Module: null prototype]";
      return braces;
    case "Generator":
      braces.head = "Object [Generator]";
      return braces;
    case "String":
      braces.head = braces.alone = `[String: ${quoteText(stringValueOf(value))}]`;
      return braces;
    case "Number":
      braces.head = braces.alone = `[Number: ${formatNumber(numberValueOf(value))}]`;
      return braces;
    case "Boolean":
      braces.head = braces.alone = `[Boolean: ${booleanValueOf(value)}]`;
      return braces;
    case "Symbol":
      braces.head = braces.alone = `[Symbol: ${symbolToString(symbolValueOf(value))}]`;
      return braces;
    case "BigInt":
      braces.head = braces.alone = `[BigInt: ${bigintValueOf(value)}n]`;
      return braces;
    default: {
      const name = classOf(value, "Object");
      const tag = tagOf(value);
      braces.head = name === "Object" ? "" : name;
      if (tag !== "" && tag !== name) braces.head = `${name} [${tag}]`;
      return braces;
    }
  }
}

function listItems(value, entries, context, level) {
  const length = value.length;
  let shown = 0;
  for (let i = 0; i < length && shown < INSPECT_ITEMS; shown++) {
    if (hasOwn(value, i)) {
      const property = getOwnPropertyDescriptor(value, i);
      arrayPush(entries, "value" in property ? formatAny(property.value, context, level) : "[Getter]");
      i++;
      continue;
    }
    const start = i;
    while (i < length && !hasOwn(value, i) && i - start < 1_000_000) i++;
    arrayPush(entries, `<${i - start} empty item${i - start > 1 ? "s" : ""}>`);
    if (i < length && i - start >= 1_000_000) break;
  }
  if (length > INSPECT_ITEMS && shown >= INSPECT_ITEMS) {
    const rest = length - INSPECT_ITEMS;
    arrayPush(entries, `... ${rest} more item${rest > 1 ? "s" : ""}`);
  }
}

function collectionItems(value, kind, entries, context, level) {
  let count = 0;
  const visit = (item, key) => {
    if (++count > INSPECT_ITEMS) return;
    const text = formatAny(item, context, level);
    arrayPush(entries, kind === "Map" ? `${formatAny(key, context, level)} => ${text}` : text);
  };
  if (kind === "Map") mapForEach(value, visit);
  else setForEach(value, visit);
  if (count > INSPECT_ITEMS) arrayPush(entries, `... ${count - INSPECT_ITEMS} more items`);
}

function previewItems(value, entries, context, level) {
  const preview = natives.previewEntries(value);
  if (preview === undefined) return;
  const list = preview[0], pairs = preview[1];
  for (let i = 0; i < list.length && entries.length < INSPECT_ITEMS; i += pairs ? 2 : 1) {
    const text = formatAny(list[i], context, level);
    arrayPush(entries, pairs ? `[ ${text}, ${formatAny(list[i + 1], context, level)} ]` : text);
  }
}

function bufferItems(value, kind, entries) {
  let bytes;
  try { bytes = new Uint8ArrayOf(value); } catch { arrayPush(entries, "(detached)"); return; }
  const length = typedArrayLength(bytes);
  let text = "";
  for (let i = 0; i < min(length, 50); i++) text += (i > 0 ? " " : "") + stringToLowerCase(stringPadStart(hex(bytes[i]), 2, "0"));
  if (length > 50) text += ` ... ${length - 50} more bytes`;
  arrayPush(entries, `[Uint8Contents]: <${text}>`);
  arrayPush(entries, `byteLength: ${length}`);
}

/** The console's formatting: `%` directives in a first string, the rest inspected and joined by spaces. */
function formatArguments(values) {
  let text = "", next = 0;
  if (typeof values[0] === "string") {
    const format = values[0];
    next = 1;
    let last = 0;
    for (let i = 0; i < format.length - 1; i++) {
      if (format[i] !== "%") continue;
      const directive = format[i + 1];
      if (directive === "%") {
        text += stringSlice(format, last, i) + "%";
        last = ++i + 1;
        continue;
      }
      if (next >= values.length || !stringIncludes("sdifjoOc", directive)) continue;
      text += stringSlice(format, last, i) + formatDirective(directive, values[next++]);
      last = ++i + 1;
    }
    text += stringSlice(format, last);
  }
  for (let i = next; i < values.length; i++) {
    if (i > 0) text += " ";
    text += typeof values[i] === "string" ? values[i] : inspect(values[i]);
  }
  return text;
}

function formatDirective(directive, value) {
  switch (directive) {
    case "s":
      if (typeof value === "string") return value;
      if (typeof value === "number") return formatNumber(value);
      if (typeof value === "bigint") return `${value}n`;
      return typeof value === "object" && value !== null ? inspect(value, { depth: 0 }) : inspect(value);
    case "d":
    case "i":
    case "f":
      if (typeof value === "bigint" && directive !== "f") return `${value}n`;
      if (typeof value === "symbol" || typeof value === "object") return "NaN";
      return formatNumber(directive === "d" ? NumberOf(value) : directive === "i" ? numberParseInt(value) : numberParseFloat(value));
    case "j":
      try { return `${jsonStringify(value)}`; } catch { return "[Circular]"; }
    case "o": return inspect(value, { depth: 4, showHidden: true });
    case "O": return inspect(value, { depth: 4 });
    default: return "";
  }
}
