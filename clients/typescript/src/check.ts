/**
 * Checks of what callers hand over. The types say the same, but JavaScript callers have none, and the sidecar ends a
 * connection whose messages are not of the protocol.
 */
import { cordonError } from "./errors.js";
import { ErrorCode, type JsonValue } from "./generated/wire.js";

/** How deep a configuration may nest. */
const DEPTH_MAX = 32;
/** So much of an unknown name is compared with those that there are. */
const NAME_COMPARED = 64;

export function checkText(value: unknown, name: string): string {
  if (typeof value !== "string") throw wrong(name, "a string", value);
  return value;
}

export function checkCount(value: unknown, name: string): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw wrong(name, "an integer that is not negative", value);
  }
  return value;
}

export function checkBoolean(value: unknown, name: string): boolean {
  if (typeof value !== "boolean") throw wrong(name, "a boolean", value);
  return value;
}

export function checkOneOf<T extends string>(value: unknown, choices: readonly T[], name: string): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw wrong(name, `one of ${choices.map((choice) => JSON.stringify(choice)).join(", ")}`, value);
  return found;
}

export function checkTexts(value: unknown, name: string): string[] {
  if (!Array.isArray(value)) throw wrong(name, "a list of strings", value);
  return value.map((item: unknown, index) => checkText(item, `${name}[${index}]`));
}

export function checkTextRecord(value: unknown, name: string): Record<string, string> {
  if (!isRecord(value)) throw wrong(name, "an object of strings", value);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, checkText(item, `${name}.${key}`)]));
}

export function checkBytes(value: unknown, name: string): Uint8Array {
  if (typeof value === "string") return new TextEncoder().encode(value);
  if (value instanceof Uint8Array) return value;
  throw wrong(name, "a string or a Uint8Array", value);
}

export function checkSignal(value: AbortSignal | undefined): AbortSignal | undefined {
  if (value !== undefined && !(value instanceof AbortSignal)) throw wrong("signal", "an AbortSignal", value);
  return value;
}

/** The names of all fields of a type. */
export type Names<T> = { readonly [K in keyof Required<T>]: true };

/** Options of these names and no others: one that is misspelt would be without effect, and nobody would know. */
export function checkOptions<T extends object>(value: T, name: string, known: Names<T>): void {
  checkObject(value, name);
  const unknown = Object.keys(value).find((key) => !Object.hasOwn(known, key));
  if (unknown === undefined) return;
  const names = Object.keys(known);
  const nearest = nearestOf(unknown, names);
  const instead = nearest === undefined ? `there are ${names.join(", ")}` : `did you mean ${nearest}?`;
  throw new TypeError(`${name} has no field ${JSON.stringify(unknown)}; ${instead}`);
}

export function checkObject(value: unknown, name: string): void {
  if (!isRecord(value)) throw wrong(name, "an object", value);
}

/** The name that is most like a misspelt one, unless none is. */
function nearestOf(misspelt: string, names: readonly string[]): string | undefined {
  const given = misspelt.slice(0, NAME_COMPARED).toLowerCase();
  const ranked = names
    .map((name) => ({ name, distance: distance(given, name.toLowerCase()) }))
    .sort((left, right) => left.distance - right.distance);
  const [best] = ranked;
  return best !== undefined && best.distance <= Math.max(2, best.name.length / 2) ? best.name : undefined;
}

/** How many letters have to be added, removed or replaced to make one text of the other. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = (row[column - 1] ?? 0) + (to[column - 1] === letter ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** Whether it is an object with properties, not a list, bytes or null. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

/** A configuration as plain JSON; what JSON does not have is an error that names the field. */
export function configJson(value: unknown): JsonValue {
  return toJson(value, "", 0);
}

function toJson(value: unknown, path: string, depth: number): JsonValue {
  const refuse = (what: string) =>
    cordonError(ErrorCode.CONFIG, `invalid configuration: ${path === "" ? "(top)" : path}: ${what}`, { field: path });
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (typeof value !== "object") throw refuse(`${describe(value)} is no JSON value`);
  if (depth >= DEPTH_MAX) throw refuse(`nested more than ${DEPTH_MAX} deep`);
  if (Array.isArray(value)) return value.map((item, index) => toJson(item, `${path}[${index}]`, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw refuse(`${describe(value)} is no plain object`);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(
    fields.map(([key, field]) => [key, toJson(field, path === "" ? key : `${path}.${key}`, depth + 1)]),
  );
}

function wrong(name: string, expected: string, value: unknown): TypeError {
  return new TypeError(`${name} must be ${expected}, not ${describe(value)}`);
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "object") return `a value of type ${value.constructor?.name ?? "object"}`;
  if (typeof value === "function") return "a function";
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  return String(value);
}
