// Text codecs, base64, structuredClone and random numbers.

class TextEncoder {
  get encoding() { return "utf-8"; }
  encode(input = "") { return natives.encodeUtf8(`${input}`); }
  encodeInto(source, destination) {
    if (typedArrayTag(destination) !== "Uint8Array") throw typeError("the destination is not a Uint8Array", "ERR_INVALID_ARG_TYPE");
    const done = natives.encodeInto(`${source}`, destination);
    return { read: done[0], written: done[1] };
  }
}
exposeClass(TextEncoder, "TextEncoder");

const noBytes = new Uint8ArrayOf(0);

class TextDecoder {
  #encoding; #fatal; #ignoreBOM; #stream = 0;
  constructor(label = "utf-8", options) {
    const encoding = natives.encodingName(`${label}`);
    if (encoding === undefined) throw new RangeErrorOf(`The "${label}" encoding is not supported`);
    this.#encoding = encoding;
    this.#fatal = !!options?.fatal;
    this.#ignoreBOM = !!options?.ignoreBOM;
  }
  get encoding() { return this.#encoding; }
  get fatal() { return this.#fatal; }
  get ignoreBOM() { return this.#ignoreBOM; }
  decode(input = noBytes, options) {
    const stream = !!options?.stream;
    if (!stream && this.#stream === 0) return natives.decode(this.#encoding, input, this.#fatal, this.#ignoreBOM);
    const id = this.#stream;
    this.#stream = 0;
    const done = natives.decodeChunk(id, this.#encoding, input, this.#fatal, this.#ignoreBOM, !stream);
    this.#stream = done[0];
    return done[1];
  }
}
exposeClass(TextDecoder, "TextDecoder");

function btoa(data) {
  data = `${data}`;
  const bytes = new Uint8ArrayOf(data.length);
  for (let i = 0; i < data.length; i++) {
    const code = stringCharCodeAt(data, i);
    if (code > 255) throw new DOMException("The string has characters outside of Latin-1", "InvalidCharacterError");
    bytes[i] = code;
  }
  return uint8ToBase64(bytes);
}

function atob(data) {
  let bytes;
  try {
    bytes = uint8FromBase64(`${data}`, { __proto__: null, alphabet: "base64", lastChunkHandling: "loose" });
  } catch {
    throw new DOMException("The string is not base64", "InvalidCharacterError");
  }
  let text = "";
  for (let i = 0; i < typedArrayLength(bytes); i++) text += fromCharCode(bytes[i]);
  return text;
}

function structuredClone(value, options) {
  if (arguments.length === 0) throw typeError("structuredClone needs a value");
  const transfer = options?.transfer;
  return natives.structuredClone(value, transfer === undefined ? undefined : ArrayOf.from(transfer));
}

function dataCloneError(message) { return new DOMException(message, "DataCloneError"); }

const integerArrays = [
  "Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array",
  "BigInt64Array", "BigUint64Array",
];

class Crypto {
  constructor(token) { if (token !== makingSignal) throw typeError("Illegal constructor"); }
  getRandomValues(array) {
    if (!isView(array) || !arrayIncludes(integerArrays, typedArrayTag(array))) {
      throw new DOMException("The data is not an integer array", "TypeMismatchError");
    }
    if (arrayByteLength(array) > 65536) {
      throw new DOMException("More than 65536 random bytes were asked for", "QuotaExceededError");
    }
    natives.randomFill(array);
    return array;
  }
  randomUUID() { return natives.randomUuid(); }
}
const arrayByteLength = uncurry(getOwnPropertyDescriptor(TypedArray.prototype, "byteLength").get);
exposeClass(Crypto, "Crypto");
