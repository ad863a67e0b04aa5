// What the rest of the bootstrap uses of JavaScript itself, captured before guest code can change any of it. The parts
// of the bootstrap share one function scope, in the order that src/isolate/realm/mod.rs names them; they use what is
// captured here instead of methods and iteration, which guest code may redefine.

const {
  apply, construct, defineProperty, deleteProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys, setPrototypeOf,
} = Reflect;
const { create, freeze, is: sameValue, keys: objectKeys } = Object;
const uncurry = Function.prototype.bind.bind(Function.prototype.call);

const arrayIncludes = uncurry(Array.prototype.includes);
const arrayIndexOf = uncurry(Array.prototype.indexOf);
const arrayJoin = uncurry(Array.prototype.join);
const arrayPush = uncurry(Array.prototype.push);
const arraySlice = uncurry(Array.prototype.slice);
const arraySort = uncurry(Array.prototype.sort);
const arraySplice = uncurry(Array.prototype.splice);
const isArray = Array.isArray;

const stringCharCodeAt = uncurry(String.prototype.charCodeAt);
const stringEndsWith = uncurry(String.prototype.endsWith);
const stringIncludes = uncurry(String.prototype.includes);
const stringIndexOf = uncurry(String.prototype.indexOf);
const stringLastIndexOf = uncurry(String.prototype.lastIndexOf);
const stringPadEnd = uncurry(String.prototype.padEnd);
const stringPadStart = uncurry(String.prototype.padStart);
const stringRepeat = uncurry(String.prototype.repeat);
const stringSlice = uncurry(String.prototype.slice);
const stringSplit = uncurry(String.prototype.split);
const stringStartsWith = uncurry(String.prototype.startsWith);
const stringToLowerCase = uncurry(String.prototype.toLowerCase);
const stringTrim = uncurry(String.prototype.trim);
const stringIsWellFormed = uncurry(String.prototype.isWellFormed);
const stringToWellFormed = uncurry(String.prototype.toWellFormed);
const fromCharCode = String.fromCharCode;

const regExpTest = uncurry(RegExp.prototype.test);
const mapGet = uncurry(Map.prototype.get);
const mapSet = uncurry(Map.prototype.set);
const mapHas = uncurry(Map.prototype.has);
const mapDelete = uncurry(Map.prototype.delete);
const mapSize = uncurry(getOwnPropertyDescriptor(Map.prototype, "size").get);
const mapForEach = uncurry(Map.prototype.forEach);
const setSize = uncurry(getOwnPropertyDescriptor(Set.prototype, "size").get);
const setForEach = uncurry(Set.prototype.forEach);
const hasOwn = uncurry(Object.prototype.hasOwnProperty);
const isEnumerable = uncurry(Object.prototype.propertyIsEnumerable);
const functionToString = uncurry(Function.prototype.toString);
const symbolToString = uncurry(Symbol.prototype.toString);
const symbolDescription = uncurry(getOwnPropertyDescriptor(Symbol.prototype, "description").get);
const dateToISOString = uncurry(Date.prototype.toISOString);
const dateGetTime = uncurry(Date.prototype.getTime);
const regExpToString = uncurry(RegExp.prototype.toString);
const errorToString = uncurry(Error.prototype.toString);
const numberValueOf = uncurry(Number.prototype.valueOf);
const stringValueOf = uncurry(String.prototype.valueOf);
const booleanValueOf = uncurry(Boolean.prototype.valueOf);
const symbolValueOf = uncurry(Symbol.prototype.valueOf);
const bigintValueOf = uncurry(BigInt.prototype.valueOf);
const promiseThen = uncurry(Promise.prototype.then);

const TypedArray = getPrototypeOf(Uint8Array);
const typedArrayTag = uncurry(getOwnPropertyDescriptor(TypedArray.prototype, Symbol.toStringTag).get);
const typedArrayLength = uncurry(getOwnPropertyDescriptor(TypedArray.prototype, "length").get);
const typedArraySet = uncurry(TypedArray.prototype.set);
const arrayBufferLength = uncurry(getOwnPropertyDescriptor(ArrayBuffer.prototype, "byteLength").get);
const viewLength = uncurry(getOwnPropertyDescriptor(DataView.prototype, "byteLength").get);
const viewOffset = uncurry(getOwnPropertyDescriptor(DataView.prototype, "byteOffset").get);
const uint8ToBase64 = uncurry(Uint8Array.prototype.toBase64);
const uint8FromBase64 = Uint8Array.fromBase64;
const isView = ArrayBuffer.isView;

const {
  Array: ArrayOf, AggregateError: AggregateErrorOf, BigInt: BigIntOf, Error: ErrorOf, JSON: JSONOf, Map: MapOf,
  Math: MathOf, Number: NumberOf, Object: ObjectOf, Promise: PromiseOf, RangeError: RangeErrorOf, String: StringOf,
  Symbol: SymbolOf, TypeError: TypeErrorOf, Uint8Array: Uint8ArrayOf,
} = globalThis;
const jsonStringify = JSONOf.stringify;
const jsonParse = JSONOf.parse;
const { floor, max, min, trunc } = MathOf;
const { isInteger, isNaN: numberIsNaN, parseFloat: numberParseFloat, parseInt: numberParseInt } = NumberOf;
const {
  asyncIterator: symbolAsyncIterator, dispose: symbolDispose, iterator: symbolIterator, toStringTag: symbolToStringTag,
} = SymbolOf;
const symbolFor = SymbolOf.for;
/** Defines what a class of the platform shows: methods enumerable as in Web IDL, and its tag. */
function exposeClass(Class, name) {
  const names = ownKeys(Class.prototype);
  for (let i = 0; i < names.length; i++) {
    if (names[i] === "constructor" || typeof names[i] === "symbol") continue;
    defineProperty(Class.prototype, names[i], { __proto__: null, enumerable: true });
  }
  defineProperty(Class.prototype, symbolToStringTag, { __proto__: null, value: name, configurable: true });
}

/** Puts a value on the global object, the way built-in globals lie there. */
function defineGlobal(name, value) {
  defineProperty(globalThis, name, { __proto__: null, value, writable: true, configurable: true, enumerable: false });
}
