/** Tells why a case fails, as far as its output says: the first command or feature that is missing. */

import { featureOf } from "./features.mjs";

/** Longer than this is data, not a script. */
const FILE_MAX = 8192;

const first = (text, pattern) => {
  for (const line of text.split("\n")) {
    const match = pattern.exec(line);
    if (match) return match;
  }
  return undefined;
};

const text = (bytes) => Buffer.from(bytes, "latin1").toString("utf8");

/** All that a shell is given to read: script, and the files that it names. */
export function scriptOf(test) {
  const script = [text(test.source ?? ""), ...test.args, text(test.stdin)].join("\n");
  const named = (test.files ?? []).filter(({ path, data }) => data !== undefined && data.length < FILE_MAX && script.includes(path));
  return [script, ...named.map(({ data }) => text(data))].join("\n");
}

/** Names, numbers and quoted words out, so that what is of one kind is in one group. */
const kind = (line) =>
  line
    .replace(/^(\S+): (\d+|line \d+): /, "")
    .replace(/'[^']*'|"[^"]*"|`[^`]*'|“[^”]*”/g, "…")
    .replace(/\/[\w./-]+/g, "…")
    .replace(/\d+/g, "N")
    .slice(0, 90);

/** @returns {string} what is missing, or how the result differs; of what only bash passes, which of its extensions is used */
export function reasonOf(test, part, result, reference) {
  const why = plainReasonOf(result, reference);
  if (part !== "bash" || /^(crash|hangs|broken|missing: [a-z]+$)/.test(why)) return why;
  const feature = featureOf(scriptOf(test));
  return feature === undefined ? why : `bash: ${feature}`;
}

function plainReasonOf(result, reference) {
  if (result.broken !== undefined) return `broken: ${kind(result.broken)}`;
  if (result.hung) return "hangs";
  const said = text(result.stderr);
  const known = text(reference.stderr) + text(reference.stdout);
  if (/panicked at|wasm trap|unreachable/.test(said)) return `crash: ${kind(first(said, /panicked at|wasm trap|unreachable/).input)}`;
  if (result.status >= 128 && result.status !== reference.status) return `crash: status ${result.status}`;
  // Both streams can be in one.
  const all = `${said}\n${text(result.stdout)}`;
  const missing = first(all, /(?:^|: )([^\s:]+): (?:command )?not found$/);
  if (missing && !new RegExp(`${escaped(missing[1])}: (command )?not found`).test(known)) return `missing: ${missing[1]}`;
  const unsupported = first(all, /not supported|not implemented|unsupported/);
  if (unsupported && !known.includes("not supported")) return `unsupported: ${kind(unsupported.input)}`;
  const syntax = first(all, /[Ss]yntax error|Bad substitution|[Bb]ad substitution/);
  if (syntax && !/[Ss]yntax error|[Bb]ad substitution/.test(known)) return kind(syntax.input);
  const line = said.split("\n").find((each) => each.trim() !== "");
  if (line && text(reference.stderr).trim() === "") return `error: ${kind(line)}`;
  if (result.status !== reference.status && result.stdout === reference.stdout) {
    return `status ${result.status} instead of ${reference.status}`;
  }
  return "output differs";
}

const escaped = (word) => word.replace(/[^\w]/g, "\\$&");
