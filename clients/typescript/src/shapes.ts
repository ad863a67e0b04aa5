/**
 * What every message of the sidecar looks like. The tables are typed by the generated types: a message or field that is
 * missing here, or is too many, does not compile.
 */
import type {
  Decision,
  DecisionBatch,
  DirectoryEntry,
  EngineReport,
  ErrorData,
  ExecutionResult,
  FileStatus,
  NetworkUsage,
  ProcessStatus,
  Response,
  ServerMessage,
  VmResponse,
} from "./generated/wire.js";

/** What is wrong with a value; nothing if it is as it should be. */
type Shape = (value: unknown) => string | undefined;

type Fields<T> = { readonly [K in keyof Required<T>]: Shape };
type Variants<T extends { type: string }> = { readonly [K in T["type"]]: Fields<Omit<Extract<T, { type: K }>, "type">> };

const text: Shape = (value) => (typeof value === "string" ? undefined : "no string");
const number: Shape = (value) => (typeof value === "number" ? undefined : "no number");
const count: Shape = (value) => (Number.isInteger(value) && (value as number) >= 0 ? undefined : "no natural number");
const integer: Shape = (value) => (Number.isInteger(value) ? undefined : "no integer");
const flag: Shape = (value) => (typeof value === "boolean" ? undefined : "no boolean");
const bytes: Shape = (value) => (value instanceof Uint8Array ? undefined : "no bytes");

function oneOf(...choices: readonly string[]): Shape {
  return (value) => (typeof value === "string" && choices.includes(value) ? undefined : "an unknown value");
}

function optional(shape: Shape): Shape {
  return (value) => (value === undefined ? undefined : shape(value));
}

function listOf(shape: Shape): Shape {
  return (value) => {
    if (!Array.isArray(value)) return "no list";
    for (const item of value) {
      const problem = shape(item);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

const texts: Shape = (value) =>
  isMap(value) && Object.values(value).every((item) => typeof item === "string") ? undefined : "no map of strings";

interface Field {
  readonly name: string;
  readonly shape: Shape;
}

/** A list once, so that it need not be made for each message. */
function fieldList(fields: Readonly<Record<string, Shape>>): readonly Field[] {
  return Object.entries(fields).map(([name, shape]) => ({ name, shape }));
}

function fieldProblem(value: Record<string, unknown>, fields: readonly Field[], known: number): string | undefined {
  let present = known;
  for (const { name, shape } of fields) {
    const item = value[name];
    const problem = shape(item);
    if (problem !== undefined) return `${name}: ${problem}`;
    if (item !== undefined) present += 1;
  }
  const names = Object.keys(value);
  if (names.length === present) return undefined;
  const unknown = names.find((name) => name !== "type" && !fields.some((field) => field.name === name));
  return `unknown field ${JSON.stringify(unknown)}`;
}

function record<T>(fields: Fields<T>): Shape {
  const list = fieldList(fields);
  return (value) => (isMap(value) ? fieldProblem(value, list, 0) : "no map");
}

function tagged<T extends { type: string }>(variants: Variants<T>): Shape {
  const table = new Map<unknown, readonly Field[]>();
  for (const [type, fields] of Object.entries<Readonly<Record<string, Shape>>>(variants)) table.set(type, fieldList(fields));
  return (value) => {
    if (!isMap(value)) return "no map";
    const type = value["type"];
    const fields = table.get(type);
    if (fields === undefined) return "an unknown type";
    const problem = fieldProblem(value, fields, 1);
    return problem === undefined ? undefined : `${type}: ${problem}`;
  };
}

const progress = oneOf("not_started", "ran", "unknown");

const error: Shape = record<ErrorData>({
  code: text,
  name: text,
  message: text,
  guest: optional(flag),
  stack: optional(text),
  hint: optional(text),
  field: optional(text),
  progress: optional(progress),
  details: optional(texts),
});

const wasmLevel = oneOf("absent", "locked", "allowed");

const engine: Shape = record<EngineReport>({
  v8: text,
  wasmtime: text,
  wasm: wasmLevel,
  jit: flag,
  sandbox: flag,
  pointerCompression: flag,
  profile: record<EngineReport["profile"]>({ wasm: wasmLevel, jit: flag }),
  platform: oneOf("node", "browser", "neutral", "bare"),
});

const executionResult: Shape = record<ExecutionResult>({
  outcome: oneOf("succeeded", "failed", "cancelled", "timed_out"),
  progress,
  value: optional(text),
  exitCode: optional(integer),
  signal: optional(text),
  stdout: optional(bytes),
  stderr: optional(bytes),
  stdoutTruncated: optional(flag),
  stderrTruncated: optional(flag),
  error: optional(error),
});

const fileKind = oneOf("file", "directory", "symlink", "device", "pipe");

const vmResponse: Shape = tagged<VmResponse>({
  done: {},
  executed: { result: executionResult },
  context: { context: count },
  terminal: { terminal: count, pid: count },
  data: { data: bytes },
  status: {
    status: record<FileStatus>({
      kind: fileKind,
      size: count,
      mode: count,
      links: count,
      inode: count,
      modifiedMs: number,
      accessedMs: number,
      changedMs: number,
    }),
  },
  entries: { entries: listOf(record<DirectoryEntry>({ name: text, kind: fileKind })) },
  engine: { engine },
  processes: {
    processes: listOf(
      record<ProcessStatus>({
        pid: count,
        parent: count,
        state: oneOf("running", "stopped", "zombie"),
        arguments: listOf(text),
      }),
    ),
  },
  decisions: {
    batch: record<DecisionBatch>({
      decisions: listOf(
        record<Decision>({
          timeMs: count,
          decision: oneOf("allow", "deny"),
          scope: oneOf("fs", "network", "childProcess", "process", "env", "hostFunctions"),
          operation: text,
          target: text,
          address: optional(text),
          rule: text,
          count,
        }),
      ),
      dropped: count,
    }),
  },
  networkUsage: {
    usage: record<NetworkUsage>({ bytesIn: count, bytesOut: count, connections: count, connectionsMade: count, lookups: count }),
  },
});

const response: Shape = tagged<Response>({
  error: { error },
  done: {},
  vmCreated: { vm: count, engine },
  vm: { response: vmResponse },
});

const serverMessage: Shape = tagged<ServerMessage>({
  welcome: { protocol: count, version: text, frameBytesMax: count },
  response: { id: count, body: response },
  started: { id: count, pid: count },
  output: { id: count, stream: oneOf("stdout", "stderr", "file", "terminal", "connection"), data: bytes },
  connection: { id: count, state: oneOf("open", "ended") },
  inputTaken: { id: count, bytes: count },
  hostCall: { call: count, vm: count, name: text, input: text },
  vmLost: { vm: count, error },
  fatal: { error },
});

/** What makes a value no message of the sidecar. */
export function serverMessageProblem(value: unknown): string | undefined {
  return serverMessage(value);
}
