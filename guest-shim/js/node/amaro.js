'use strict';
// In the place of amaro, which is swc's parser as WebAssembly: the same parser as native code. It throws what amaro
// throws, plain objects that `internal/modules/typescript` makes errors of.

const { stripTypes } = internalBinding('cordon');

exports.transformSync = (source, { filename = '' } = {}) => {
  const result = stripTypes(`${source}`);
  if (result.code !== undefined) return result;
  // eslint-disable-next-line no-throw-literal
  throw { __proto__: null, ...result.error, filename };
};
