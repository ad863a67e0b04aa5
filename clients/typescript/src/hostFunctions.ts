/**
 * Functions of this process that guest code may call. In the VM each is an async function: a global, or a property of
 * its collection's global. Input and result travel as JSON.
 */
import { isRecord } from "./check.js";
import { messageOf } from "./errors.js";
import type { HostCallOutcome, JsonValue } from "./generated/wire.js";

/**
 * A function that guest code may call. Its input is whatever the guest gave, so check it; what it returns must be JSON
 * (or nothing), and the message of what it throws is shown to the guest.
 */
// `any`: a function may declare the shape that it expects, which no other type of the parameter would let it.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type HostFunction = (input: any) => unknown;

/** Host functions by name, alone or in collections: `{ now, orders: { list, cancel } }`. */
export interface HostFunctions {
  readonly [name: string]: HostFunction | { readonly [name: string]: HostFunction };
}

/** Host functions by the name that the wire knows: `name` or `collection.name`. */
export class HostFunctionTable {
  readonly #functions = new Map<string, HostFunction>();

  constructor(functions: HostFunctions) {
    for (const [name, entry] of Object.entries(functions)) {
      if (typeof entry === "function") this.#functions.set(name, entry);
      else if (isRecord(entry)) {
        for (const [member, value] of Object.entries(entry)) this.#add(`${name}.${member}`, value);
      } else this.#add(name, entry);
    }
  }

  get names(): string[] {
    return [...this.#functions.keys()];
  }

  /** Calls a function; never rejects. */
  async call(name: string, input: string): Promise<HostCallOutcome> {
    const called = this.#functions.get(name);
    if (called === undefined) return { type: "threw", message: `no host function ${JSON.stringify(name)} is registered` };
    try {
      const value: JsonValue = JSON.parse(input);
      const output = JSON.stringify(await called(value)) as string | undefined;
      return { type: "returned", output: output ?? "null" };
    } catch (error) {
      return { type: "threw", message: messageOf(error) };
    }
  }

  #add(name: string, value: unknown): void {
    if (typeof value !== "function") throw new TypeError(`hostFunctions.${name} must be a function`);
    this.#functions.set(name, value as HostFunction);
  }
}
