'use strict';
// What the platforms `browser`, `neutral` and `bare` leave of Node: the language, the web's interfaces but in the last,
// the module systems and the VM's own interfaces. It is the body of a function with the parameters of Node's main scripts and `vm`,
// what `../vm/` gives with the platform's name and the names that the language itself has put on the global object,
// and runs as the last of a realm's boot. It must not know jobs.

const {
  ArrayPrototypeIncludes,
  Error,
  ObjectDefineProperty,
  ReflectApply,
  ReflectDeleteProperty,
  ReflectOwnKeys,
  SafeArrayIterator,
  SafeSet,
  globalThis,
} = primordials;

const { language, platform } = vm;
const interfaces = ReflectOwnKeys(vm.interfaces);

/** The web's interfaces, as WinterTC's Minimum Common API names them. */
const WEB = [
  'AbortController', 'AbortSignal', 'Blob', 'BroadcastChannel', 'ByteLengthQueuingStrategy', 'CloseEvent',
  'CompressionStream', 'CountQueuingStrategy', 'Crypto', 'CryptoKey', 'CustomEvent', 'DOMException',
  'DecompressionStream', 'ErrorEvent', 'Event', 'EventTarget', 'File', 'FormData', 'Headers', 'MessageChannel',
  'MessageEvent', 'MessagePort', 'Performance', 'PerformanceEntry', 'PerformanceMark', 'PerformanceMeasure',
  'PerformanceObserver', 'PerformanceObserverEntryList', 'QuotaExceededError', 'ReadableByteStreamController',
  'ReadableStream', 'ReadableStreamBYOBReader', 'ReadableStreamBYOBRequest', 'ReadableStreamDefaultController',
  'ReadableStreamDefaultReader', 'Request', 'Response', 'SubtleCrypto', 'TextDecoder', 'TextDecoderStream',
  'TextEncoder', 'TextEncoderStream', 'TransformStream', 'TransformStreamDefaultController', 'URL', 'URLPattern',
  'URLSearchParams', 'WebSocket', 'WritableStream', 'WritableStreamDefaultController', 'WritableStreamDefaultWriter',
  'atob', 'btoa', 'clearInterval', 'clearTimeout', 'console', 'crypto', 'fetch', 'performance',
  'queueMicrotask', 'setInterval', 'setTimeout', 'structuredClone',
];

/**
 * Conditions of packages' `exports` and `imports`. Builds for workers and browsers are taken because they need no module
 * of Node's.
 */
const CONDITIONS = ['worker', 'browser', 'module-sync'];

/** The globals of each platform besides the language's. */
const GLOBALS = {
  '__proto__': null,
  'bare': [],
  'browser': ['Navigator', 'navigator', 'self', ...new SafeArrayIterator(WEB)],
  'neutral': ['clearImmediate', 'setImmediate', ...new SafeArrayIterator(WEB)],
};

function keepGlobals() {
  if (platform === 'browser') {
    ObjectDefineProperty(
      globalThis, 'self', { '__proto__': null, 'configurable': true, 'value': globalThis, 'writable': true });
  }
  const names = ReflectOwnKeys(globalThis);
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    if (ArrayPrototypeIncludes(GLOBALS[platform], name)) continue;
    // V8 brings a console of its own, which says nothing.
    if (name !== 'console' && ArrayPrototypeIncludes(language, name)) continue;
    ReflectDeleteProperty(globalThis, name);
  }
}

function setConditions() {
  const { getConditionsSet } = require('internal/modules/esm/utils');
  const { getCjsConditions } = require('internal/modules/helpers');
  replaceAll(getConditionsSet(undefined), ['import', 'module']);
  replaceAll(getCjsConditions(), ['require']);
}

function replaceAll(conditions, first) {
  conditions.clear();
  for (let i = 0; i < first.length; i++) conditions.add(first[i]);
  for (let i = 0; i < CONDITIONS.length; i++) conditions.add(CONDITIONS[i]);
}

/** Node's modules are the library's alone. Packages may have their names. */
function hideModules() {
  const { BuiltinModule } = require('internal/bootstrap/realm');
  const hidden = new SafeSet();
  BuiltinModule.map.forEach((_, id) => {
    if (BuiltinModule.canBeRequiredByUsers(id) && !ArrayPrototypeIncludes(interfaces, id)) hidden.add(id);
  });
  BuiltinModule.setRealmAllowRequireByUsers([]);
  for (let i = 0; i < interfaces.length; i++) BuiltinModule.allowRequireByUsers(interfaces[i]);

  const unsupported = (id) => {
    const error = new Error(
      `${id} is a module of Node's, which the platform "${platform}" does not have: the platform "node" has it`);
    error.code = 'ERR_UNSUPPORTED_BUILTIN';
    return error;
  };
  const canBeRequired = BuiltinModule.canBeRequiredByUsers;
  BuiltinModule.canBeRequiredByUsers = (id) => {
    if (hidden.has(id)) throw unsupported(`node:${id}`);
    return canBeRequired(id);
  };
  // What nobody has installed under such a name was meant to be Node's.
  const explain = (lookUp) => function(specifier, ...rest) {
    try {
      return ReflectApply(lookUp, this, [specifier, ...rest]);
    } catch (error) {
      if (hidden.has(specifier)) throw unsupported(specifier);
      throw error;
    }
  };
  const { Module } = require('internal/modules/cjs/loader');
  Module._resolveFilename = explain(Module._resolveFilename);
  const reader = require('internal/modules/package_json_reader');
  reader.getPackageJSONURL = explain(reader.getPackageJSONURL);
}

keepGlobals();
setConditions();
hideModules();
