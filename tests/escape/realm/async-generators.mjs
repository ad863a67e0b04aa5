// class: vm2: async generators (2026)
// rule: async generators, their requests and their errors are this realm's own
// platforms: neutral bare
// expects: DENIED results: this realm
// expects: DENIED return with a thenable: this realm
// expects: DENIED a getter that throws in await: this realm
// expects: DENIED yield* over a proxy: only the proxy
// expects: DENIED the prototype's constructor: this realm
// expects: DENIED an async disposable stack: this realm
import { attempt, attemptAsync } from "/escape/report.mjs";

const isOurs = (value) => value.constructor.constructor("return typeof process + typeof natives")() === "undefinedundefined";
async function* numbers() { try { yield 1; yield Promise.reject(new Error("x")); } finally { yield 3; } }
await attemptAsync("results", async () => (isOurs(await numbers().next()) ? "this realm" : true));
await attemptAsync("return with a thenable", async () => {
  const running = numbers();
  await running.next();
  let given;
  await running.return({ get then() { given = new Error(); return undefined; } });
  return isOurs(given) ? "this realm" : true;
});
await attemptAsync("a getter that throws in await", async () => {
  try { await numbers().throw({ get constructor() { throw new RangeError("x"); } }); } catch (error) { return typeof error === "object" ? "this realm" : true; }
});
await attemptAsync("yield* over a proxy", async () => {
  const seen = [];
  const source = new Proxy({}, { get: (target, key, receiver) => { seen.push(receiver); return key === Symbol.asyncIterator ? undefined : key === Symbol.iterator ? () => [1][Symbol.iterator]() : undefined; } });
  for await (const value of (async function* () { yield* source; })()) seen.push(value);
  return seen.every((value) => value === source || value === 1) ? "only the proxy" : true;
});
attempt("the prototype's constructor", () => {
  const AsyncGenerator = Object.getPrototypeOf(async function* () {}).constructor;
  return AsyncGenerator("yield 1").constructor === AsyncGenerator ? "this realm" : true;
});
await attemptAsync("an async disposable stack", async () => {
  const stack = new AsyncDisposableStack();
  stack.defer(() => { throw new Error("a"); });
  stack.defer(() => { throw new Error("b"); });
  try { await stack.disposeAsync(); } catch (error) { return error.constructor === SuppressedError && isOurs(error.error) ? "this realm" : true; }
});
