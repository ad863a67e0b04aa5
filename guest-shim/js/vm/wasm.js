// The streaming half of the WebAssembly JavaScript API (W3C, WebAssembly Web API), where guests have WebAssembly at
// all. V8 leaves it to the embedder. A source is what has an `arrayBuffer()` (a Response, a Blob), bytes, or an
// iterable of bytes, or a promise of one of these. Bytes are gathered before they are compiled: inside a VM they come
// from memory, not from a network that compilation could overlap with.

function exposeWasmStreaming(api) {
  const compile = api.compile, instantiate = api.instantiate;
  const streaming = {
    async compileStreaming(source, options) { return compile(await wasmBytes(await source), options); },
    async instantiateStreaming(source, imports, options) {
      return instantiate(await wasmBytes(await source), imports, options);
    },
  };
  const names = ownKeys(streaming);
  for (let i = 0; i < names.length; i++) {
    defineProperty(api, names[i], {
      __proto__: null, value: streaming[names[i]], writable: true, configurable: true, enumerable: true,
    });
  }
}

async function wasmBytes(source) {
  if (isView(source) || arrayBufferLengthOf(source) !== undefined) return source;
  if (typeof source?.arrayBuffer === "function") {
    if (source.ok === false) throw typeError("the response is not ok");
    return source.arrayBuffer();
  }
  if (source?.[symbolAsyncIterator] === undefined && source?.[symbolIterator] === undefined) {
    throw typeError("the source is neither a Response nor bytes");
  }
  const chunks = [];
  let length = 0;
  for await (const chunk of source) {
    arrayPush(chunks, chunk);
    length += typedArrayLength(chunk);
  }
  const bytes = new Uint8ArrayOf(length);
  let offset = 0;
  for (let i = 0; i < chunks.length; i++) {
    typedArraySet(bytes, chunks[i], offset);
    offset += typedArrayLength(chunks[i]);
  }
  return bytes;
}

/** The length of an ArrayBuffer; undefined for anything else. */
function arrayBufferLengthOf(value) {
  try { return arrayBufferLength(value); } catch { return undefined; }
}

const wasmApi = getOwnPropertyDescriptor(globalThis, "WebAssembly")?.value;
if (wasmApi !== undefined) exposeWasmStreaming(wasmApi);

/** Shared memory stays within modules where clocks are frozen: nothing gives guest code a buffer of it. */
function hideSharedMemory() {
  const prototype = wasmApi.Memory.prototype;
  const unshared = (original) => function () {
    const buffer = apply(original, this, []);
    if (arrayBufferLengthOf(buffer) !== undefined) return buffer;
    throw typeError("no buffer of shared memory is given while timingMitigation is \"freeze\"", "ERR_SHARED_MEMORY");
  };
  const names = ownKeys(prototype);
  for (let i = 0; i < names.length; i++) {
    const described = getOwnPropertyDescriptor(prototype, names[i]);
    if (typeof described.get === "function") {
      const get = asMethod(unshared(described.get), described.get.name);
      defineProperty(prototype, names[i], { __proto__: null, ...described, get });
    } else if (names[i] === "toFixedLengthBuffer" || names[i] === "toResizableBuffer") {
      const value = asMethod(unshared(described.value), names[i]);
      defineProperty(prototype, names[i], { __proto__: null, ...described, value });
    }
  }
}

/** As a built-in: under its name, and no constructor. */
function asMethod(body, name) {
  const method = { method() { return apply(body, this, []); } }.method;
  defineProperty(method, "name", { __proto__: null, value: name, configurable: true });
  return method;
}
