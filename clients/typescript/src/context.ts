/**
 * JavaScript state that survives between calls.
 */
import { Code, type CodeOptions } from "./code.js";
import type { EvaluationResult, ExecutionResult } from "./execution.js";
import type { JsonValue } from "./generated/wire.js";
import type { VmHandle } from "./handle.js";

export class Context implements AsyncDisposable {
  /** The same state, for TypeScript sources. */
  readonly typescript: Code;
  readonly #vm: VmHandle;
  readonly #id: number;
  readonly #javascript: Code;
  #disposed: Promise<void> | undefined;

  /** @internal */
  constructor(vm: VmHandle, id: number) {
    this.#vm = vm;
    this.#id = id;
    this.#javascript = new Code(vm, "javascript", id);
    this.typescript = new Code(vm, "typescript", id);
  }

  /** The value of an expression. */
  async evaluate<T = JsonValue>(source: string, options: CodeOptions = {}): Promise<EvaluationResult<T>> {
    return this.#javascript.evaluate<T>(source, options);
  }

  /** Runs a source text; its top-level declarations stay. */
  async execute(source: string, options: CodeOptions = {}): Promise<ExecutionResult> {
    return this.#javascript.execute(source, options);
  }

  /** Clears the state. */
  async reset(): Promise<void> {
    await this.#vm.ask({ type: "resetContext", context: this.#id }, "done");
  }

  /** Ends the context; the VM goes on. */
  async dispose(): Promise<void> {
    this.#disposed ??= this.#vm.ask({ type: "disposeContext", context: this.#id }, "done").then(() => {});
    return this.#disposed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A context is gone as well once its VM is.
    if (!this.#vm.isDisposed) await this.dispose();
  }
}
