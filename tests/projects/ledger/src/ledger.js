import { EventEmitter } from "node:events";

import { format } from "./money.js";

/** Accounts, and what was moved between them. */
export class Ledger extends EventEmitter {
  #accounts = new Map();
  #clock;

  constructor({ clock = Date.now } = {}) {
    super();
    this.#clock = clock;
  }

  open(name, cents = 0) {
    if (this.#accounts.has(name)) throw new RangeError(`${name} is open`);
    this.#accounts.set(name, cents);
    return this;
  }

  balance(name) {
    const cents = this.#accounts.get(name);
    if (cents === undefined) throw new RangeError(`${name} is not open`);
    return cents;
  }

  async move(from, to, cents) {
    if (this.balance(from) < cents) throw new Error(`${from} has ${format(this.balance(from))} only`, { cause: { from, cents } });
    await null;
    this.#accounts.set(from, this.balance(from) - cents);
    this.#accounts.set(to, this.balance(to) + cents);
    this.emit("moved", { from, to, cents, at: this.#clock() });
  }

  statement() {
    return [...this.#accounts].map(([name, cents]) => `${name}: ${format(cents)}`).join("\n");
  }
}
