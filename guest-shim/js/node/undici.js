'use strict';
// In the place of WebAssembly for undici, which compiles llhttp with it: no module, and an instance whose exports are
// those of llhttp that undici uses, over the parser that `http` has. The "memory" is a buffer into which undici copies
// what it has read; pointers are offsets in it.

const { SafeMap, StringPrototypeCharCodeAt, Uint8Array, ArrayBuffer } = primordials;
const { ResponseParser } = internalBinding('cordon');

// Where the reason of an error is written, ended by a zero, and where the one block of memory begins.
const REASON = 8;
const BLOCK = 256;

class Module {}

class Instance {
  constructor(module, { env }) {
    const parsers = new SafeMap();
    const memory = { __proto__: null, buffer: new ArrayBuffer(BLOCK) };
    let last = 0;
    this.exports = {
      __proto__: null,
      memory,
      // undici frees its block before it asks for a larger one.
      malloc(size) {
        if (BLOCK + size > memory.buffer.byteLength) memory.buffer = new ArrayBuffer(BLOCK + size);
        return BLOCK;
      },
      free() {},
      llhttp_alloc() {
        last += 1;
        parsers.set(last, new ResponseParser(last));
        return last;
      },
      llhttp_free(parser) {
        parsers.delete(parser);
      },
      llhttp_execute(parser, at, length) {
        return parsers.get(parser).execute(env, new Uint8Array(memory.buffer, at, length), at);
      },
      llhttp_finish(parser) {
        return parsers.get(parser).finish(env);
      },
      llhttp_resume(parser) {
        parsers.get(parser).resume();
      },
      llhttp_get_error_pos(parser) {
        return parsers.get(parser).errorPosition();
      },
      llhttp_get_error_reason(parser) {
        const reason = parsers.get(parser).errorReason();
        const bytes = new Uint8Array(memory.buffer, REASON, BLOCK - REASON);
        let length = 0;
        while (length < reason.length && length < bytes.length - 1) {
          bytes[length] = StringPrototypeCharCodeAt(reason, length);
          length += 1;
        }
        bytes[length] = 0;
        return REASON;
      },
    };
  }
}

module.exports = {
  __proto__: null,
  Buffer: require('buffer').Buffer,
  WebAssembly: { __proto__: null, Module, Instance },
};
