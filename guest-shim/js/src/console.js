// The console: log, info and debug to standard output, warn, error and trace to standard error.

function makeConsole() {
  let indentation = "";
  const counts = new MapOf();
  const starts = new MapOf();

  function write(descriptor, text) {
    if (indentation !== "") {
      text = indentation + arrayJoin(stringSplit(text, "\n"), `\n${indentation}`);
    }
    natives.writeOutput(descriptor, `${text}\n`);
  }

  function elapsed(label, descriptor, rest) {
    const start = mapGet(starts, label);
    if (start === undefined) {
      write(2, `No such label '${label}' for console.time()`);
      return;
    }
    const milliseconds = natives.now() - start;
    const text = milliseconds >= 1000 ? `${(trunc(milliseconds) / 1000)}s` : `${trunc(milliseconds * 1000) / 1000}ms`;
    write(descriptor, `${label}: ${text}${rest.length > 0 ? ` ${formatArguments(rest)}` : ""}`);
  }

  const methods = {
    log(...values) { write(1, formatArguments(values)); },
    warn(...values) { write(2, formatArguments(values)); },
    dir(value, options) { write(1, inspect(value, options)); },
    time(label = "default") { mapSet(starts, `${label}`, natives.now()); },
    timeEnd(label = "default") { elapsed(`${label}`, 1, []); mapDelete(starts, `${label}`); },
    timeLog(label = "default", ...rest) { elapsed(`${label}`, 1, rest); },
    trace(...values) {
      const error = { name: "Trace", message: formatArguments(values) };
      ErrorOf.captureStackTrace(error, methods.trace);
      write(2, error.stack);
    },
    assert(condition, ...values) {
      if (condition) return;
      if (typeof values[0] === "string") values[0] = `Assertion failed: ${values[0]}`;
      else arraySplice(values, 0, 0, values.length === 0 ? "Assertion failed" : "Assertion failed:");
      write(2, formatArguments(values));
    },
    clear() {},
    count(label = "default") {
      label = `${label}`;
      const count = (mapGet(counts, label) ?? 0) + 1;
      mapSet(counts, label, count);
      write(1, `${label}: ${count}`);
    },
    countReset(label = "default") { mapDelete(counts, `${label}`); },
    group(...values) {
      if (values.length > 0) write(1, formatArguments(values));
      if (indentation.length < 200) indentation += "  ";
    },
    groupEnd() { indentation = stringSlice(indentation, 0, -2); },
    table(data, columns) {
      if (typeof data !== "object" || data === null) return write(1, formatArguments([data]));
      write(1, formatTable(data, columns));
    },
  };
  const console = {
    log: methods.log, warn: methods.warn, dir: methods.dir, time: methods.time, timeEnd: methods.timeEnd,
    timeLog: methods.timeLog, trace: methods.trace, assert: methods.assert, clear: methods.clear,
    count: methods.count, countReset: methods.countReset, group: methods.group, groupEnd: methods.groupEnd,
    table: methods.table,
    debug(...values) { write(1, formatArguments(values)); },
    info(...values) { write(1, formatArguments(values)); },
    dirxml(...values) { write(1, formatArguments(values)); },
    error(...values) { write(2, formatArguments(values)); },
    groupCollapsed: methods.group,
  };
  defineProperty(console, symbolToStringTag, { __proto__: null, value: "console", configurable: true });
  return console;
}

/** A table of rows (the entries of an array, object, map or set) and columns (their keys). */
function formatTable(data, only) {
  const kind = natives.kindOf(data);
  const rows = [];
  let indexName = "(index)";
  if (kind === "Map" || kind === "Set") {
    indexName = "(iteration index)";
    let index = 0;
    const visit = (value, key) => { arrayPush(rows, [`${index++}`, value, kind === "Map" ? key : undefined]); };
    if (kind === "Map") mapForEach(data, visit);
    else setForEach(data, visit);
  } else {
    const keys = objectKeys(data);
    for (let i = 0; i < keys.length && i < INSPECT_ITEMS * 10; i++) arrayPush(rows, [keys[i], data[keys[i]]]);
  }
  const head = [indexName], position = new MapOf();
  if (kind === "Map") arrayPush(head, "Key");
  const fixed = head.length;
  let hasValues = false;
  const lines = [];
  for (let i = 0; i < rows.length; i++) {
    const name = rows[i][0], value = rows[i][1];
    const line = [name];
    if (kind === "Map") line[1] = inspect(rows[i][2], { depth: 0 });
    let plain;
    if (typeof value === "object" && value !== null && natives.kindOf(value) !== "Proxy") {
      const keys = isArray(only) ? only : objectKeys(value);
      for (let j = 0; j < keys.length; j++) {
        if (!mapHas(position, keys[j])) {
          mapSet(position, keys[j], head.length);
          arrayPush(head, `${keys[j]}`);
        }
        if (hasOwn(value, keys[j])) line[mapGet(position, keys[j])] = inspect(value[keys[j]], { depth: 0 });
      }
    } else {
      hasValues = true;
      plain = inspect(value, { depth: 0 });
    }
    arrayPush(lines, [line, plain]);
  }
  if (hasValues) arrayPush(head, "Values");
  const table = [head];
  for (let i = 0; i < lines.length; i++) {
    const cells = [];
    for (let j = 0; j < head.length; j++) cells[j] = lines[i][0][j] ?? "";
    if (hasValues) cells[head.length - 1] = lines[i][1] ?? "";
    arrayPush(table, cells);
  }
  const widths = [];
  for (let j = 0; j < head.length; j++) {
    widths[j] = 0;
    for (let i = 0; i < table.length; i++) widths[j] = max(widths[j], table[i][j].length);
  }
  const rule = (left, middle, right) => {
    const parts = [];
    for (let j = 0; j < widths.length; j++) parts[j] = stringRepeat("─", widths[j] + 2);
    return left + arrayJoin(parts, middle) + right;
  };
  let text = rule("┌", "┬", "┐");
  for (let i = 0; i < table.length; i++) {
    const cells = [];
    for (let j = 0; j < widths.length; j++) cells[j] = ` ${stringPadEnd(table[i][j], widths[j])} `;
    text += `\n│${arrayJoin(cells, "│")}│`;
    if (i === 0) text += `\n${rule("├", "┼", "┤")}`;
  }
  return `${text}\n${rule("└", "┴", "┘")}`;
}
