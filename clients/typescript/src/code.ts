/**
 * Running JavaScript and TypeScript.
 */
import { checkOneOf, checkOptions, checkText, checkTexts, isRecord, type Names } from "./check.js";
import {
  PROGRAM_OPTIONS,
  toEvaluation,
  toResult,
  type EvaluationResult,
  type ExecutionResult,
  type ProgramOptions,
} from "./execution.js";
import type { EvaluateOptions, JsonValue, Language, SourceFormat } from "./generated/wire.js";
import type { VmHandle } from "./handle.js";
import { SPAWN_OPTIONS, type GuestProcess, type Processes, type SpawnOptions } from "./process.js";

/** What a call that runs a source text can be given. */
export interface CodeOptions extends ProgramOptions {
  /** How the text is run: as a module, or in a context as a script, when left out. */
  readonly format?: SourceFormat;
  /** The path under which the text is known to imports and stack traces. */
  readonly filePath?: string;
  /** Globals to define before it runs. */
  readonly inputs?: Readonly<Record<string, JsonValue>>;
}

/** What a source text that becomes a program can be given. */
export interface ProgramSpawnOptions extends SpawnOptions {
  /** Arguments, without the program's name. */
  readonly args?: readonly string[];
}

/** As {@link ProgramSpawnOptions}, with how the text is run: as a module when left out. */
export interface CodeSpawnOptions extends ProgramSpawnOptions {
  readonly format?: "module" | "commonjs";
}

const PROGRAM_SPAWN_OPTIONS: Names<ProgramSpawnOptions> = { ...SPAWN_OPTIONS, args: true };
const CODE_SPAWN_OPTIONS: Names<CodeSpawnOptions> = { ...PROGRAM_SPAWN_OPTIONS, format: true };

export const CODE_OPTIONS: Names<CodeOptions> = { ...PROGRAM_OPTIONS, format: true, filePath: true, inputs: true };

/** Runs source texts in one language, each in a fresh context unless this belongs to one that is kept. */
export class Code {
  readonly #vm: VmHandle;
  readonly #language: Language;
  readonly #context: number | undefined;

  /** @internal */
  constructor(vm: VmHandle, language: Language, context?: number) {
    this.#vm = vm;
    this.#language = language;
    this.#context = context;
  }

  /** The value of an expression; it may be a promise, and has to be JSON. */
  async evaluate<T = JsonValue>(source: string, options: CodeOptions = {}): Promise<EvaluationResult<T>> {
    const evaluate = this.#evaluateOptions(options);
    const text = checkText(source, "source");
    return toEvaluation(await this.#vm.run((wire) => ({ type: "evaluate", source: text, evaluate, options: wire }), options));
  }

  /** Runs a source text for its effects. */
  async execute(source: string, options: CodeOptions = {}): Promise<ExecutionResult> {
    const evaluate = this.#evaluateOptions(options);
    const text = checkText(source, "source");
    return toResult(await this.#vm.run((wire) => ({ type: "execute", source: text, evaluate, options: wire }), options));
  }

  #evaluateOptions(options: CodeOptions): EvaluateOptions {
    checkOptions(options, "options", CODE_OPTIONS);
    const { format, filePath, inputs } = options;
    const evaluate: EvaluateOptions = { language: this.#language };
    if (this.#context !== undefined) evaluate.context = this.#context;
    if (format !== undefined) evaluate.format = checkOneOf(format, ["module", "script", "commonjs"], "format");
    if (filePath !== undefined) evaluate.filePath = checkText(filePath, "filePath");
    if (inputs !== undefined) evaluate.inputs = jsonTexts(inputs);
    return evaluate;
  }
}

/** Runs source texts and files of the VM. */
export class FileCode extends Code {
  readonly #vm: VmHandle;
  readonly #language: Language;
  readonly #processes: Processes;

  /** @internal */
  constructor(vm: VmHandle, language: Language, processes: Processes) {
    super(vm, language);
    this.#vm = vm;
    this.#language = language;
    this.#processes = processes;
  }

  /** Starts a source text as a program of its own, `node`, and gives its streams; on the platform `node`. */
  async spawn(source: string, options: CodeSpawnOptions = {}): Promise<GuestProcess> {
    checkOptions(options, "options", CODE_SPAWN_OPTIONS);
    const { args = [], format = "module", ...rest } = options;
    const kind = checkOneOf(format, ["module", "commonjs"], "format");
    const type = this.#language === "typescript" ? `${kind}-typescript` : kind;
    const own = [`--input-type=${type}`, "--eval", checkText(source, "source"), "--"];
    return this.#processes.spawn("node", [...own, ...checkTexts(args, "args")], rest);
  }

  /** Starts a JavaScript or TypeScript file of the VM as a program of its own, likewise. */
  async spawnFile(path: string, options: ProgramSpawnOptions = {}): Promise<GuestProcess> {
    checkOptions(options, "options", PROGRAM_SPAWN_OPTIONS);
    const { args = [], ...rest } = options;
    return this.#processes.spawn("node", [checkText(path, "path"), ...checkTexts(args, "args")], rest);
  }

  /** Runs a JavaScript or TypeScript file of the VM; its name says which. */
  async executeFile(path: string, options: ProgramOptions = {}): Promise<ExecutionResult> {
    const file = checkText(path, "path");
    checkOptions(options, "options", PROGRAM_OPTIONS);
    return toResult(await this.#vm.run((wire) => ({ type: "executeFile", path: file, options: wire }), options));
  }
}

function jsonTexts(inputs: unknown): Record<string, string> {
  if (!isRecord(inputs)) throw new TypeError("inputs must be an object");
  const texts = Object.entries(inputs).map(([name, value]) => {
    const text = JSON.stringify(value) as string | undefined;
    if (text === undefined) throw new TypeError(`inputs.${name} must be a JSON value`);
    return [name, text] as const;
  });
  return Object.fromEntries(texts);
}
