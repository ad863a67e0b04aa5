// What the rest of this function uses of JavaScript itself, captured before guest code can change any of it. Its parts share
// one scope, in the order that src/node/boot.rs names them; they use what is captured here instead of methods and
// iteration, which guest code may redefine.

const { apply, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;
const { freeze } = Object;
const uncurry = Function.prototype.bind.bind(Function.prototype.call);

const arrayIndexOf = uncurry(Array.prototype.indexOf);
const arrayPush = uncurry(Array.prototype.push);

const TypedArray = getPrototypeOf(Uint8Array);
const typedArrayLength = uncurry(getOwnPropertyDescriptor(TypedArray.prototype, "length").get);
const typedArraySet = uncurry(TypedArray.prototype.set);
const arrayBufferLength = uncurry(getOwnPropertyDescriptor(ArrayBuffer.prototype, "byteLength").get);
const isView = ArrayBuffer.isView;

const {
  Array: ArrayOf, BigInt: BigIntOf, JSON: JSONOf, Symbol: SymbolOf, TypeError: TypeErrorOf, Uint8Array: Uint8ArrayOf,
} = globalThis;
const jsonStringify = JSONOf.stringify;
const jsonParse = JSONOf.parse;
const {
  asyncIterator: symbolAsyncIterator, dispose: symbolDispose, iterator: symbolIterator, toStringTag: symbolToStringTag,
} = SymbolOf;

/** Defines what a class shows: methods enumerable as in Web IDL, and its tag. */
function exposeClass(Class, name) {
  const names = ownKeys(Class.prototype);
  for (let i = 0; i < names.length; i++) {
    if (names[i] === "constructor" || typeof names[i] === "symbol") continue;
    defineProperty(Class.prototype, names[i], { __proto__: null, enumerable: true });
  }
  defineProperty(Class.prototype, symbolToStringTag, { __proto__: null, value: name, configurable: true });
}

function typeError(message, code) {
  const error = new TypeErrorOf(message);
  if (code !== undefined) {
    defineProperty(error, "code", { __proto__: null, value: code, writable: true, configurable: true });
  }
  return error;
}
