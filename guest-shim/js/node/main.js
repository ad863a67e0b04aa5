'use strict';
// cordon's own part of the platform `node`: what Node's C++ does in JavaScript's place, and how jobs begin. It is the body
// of a function with the parameters of Node's main scripts and `vm`, what `../vm/` gives, and runs in each realm as
// the last of its boot. What it returns are the functions that `src/node` calls, by name.

const {
  ArrayIsArray,
  ArrayPrototypePush,
  ArrayPrototypeSlice,
  Error,
  FunctionPrototypeCall,
  JSONParse,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ObjectHasOwn,
  ObjectKeys,
  ObjectPrototype,
  NumberParseInt,
  Proxy,
  ReflectApply,
  ReflectDefineProperty,
  ReflectDeleteProperty,
  ReflectGet,
  ReflectGetOwnPropertyDescriptor,
  ReflectHas,
  ReflectOwnKeys,
  RegExpPrototypeExec,
  RegExpPrototypeSymbolReplace,
  SafeMap,
  String,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  SymbolIterator,
  TypeError,
  globalThis,
  uncurryThis,
} = primordials;
const SafeMapPrototypeForEach = uncurryThis(SafeMap.prototype.forEach);

const { isNativeError, isProxy } = internalBinding('types');
const {
  privateSymbols: {
    arrow_message_private_symbol: kArrow,
    decorated_private_symbol: kDecorated,
  },
} = internalBinding('util');

const {
  deleteVariable,
  getVariable,
  setVariable,
  variableNames,
} = internalBinding('cordon');

/** Whether guest code is told that this is Node. */
const isNode = vm.platform === 'node';

/** What `process.env` has, unless threads share it. */
let variables = {};
let isShared = false;

/** The names and values of the environment, one after another. */
function environmentPairs() {
  const pairs = [];
  const names = isShared ? variableNames() : ObjectKeys(variables);
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    ArrayPrototypePush(pairs, name, isShared ? getVariable(name) ?? '' : variables[name]);
  }
  return pairs;
}

/** From now on the environment is one that other threads change, too. Gives what it has been. */
function shareEnvironment() {
  const pairs = environmentPairs();
  for (let i = 0; i < pairs.length; i += 2) ReflectDeleteProperty(variables, pairs[i]);
  isShared = true;
  return pairs;
}

/** `process.env`: names and values are strings, whatever is assigned. */
function environment(pairs) {
  const target = {};
  variables = target;
  isShared = false;
  for (let i = 0; i < pairs.length; i += 2) target[pairs[i]] = pairs[i + 1];
  const invalid = (message) => {
    const error = new TypeError(message);
    error.code = 'ERR_INVALID_OBJECT_DEFINE_PROPERTY';
    return error;
  };
  const define = (object, name, value) => {
    if (isShared) {
      setVariable(name, value);
      return true;
    }
    return ReflectDefineProperty(object, name, {
      __proto__: null, value, configurable: true, enumerable: true, writable: true,
    });
  };
  return new Proxy(target, {
    __proto__: null,
    set(object, name, value) {
      if (typeof name === 'symbol' || typeof value === 'symbol') {
        throw new TypeError('Cannot convert a Symbol value to a string');
      }
      define(object, name, `${value}`);
      if (name === 'TZ') internalBinding('cordon').setTimeZone(`${value}`);
      return true;
    },
    get(object, name) {
      if (typeof name === 'symbol') return undefined;
      return (isShared ? getVariable(name) : undefined) ?? ReflectGet(object, name);
    },
    has(object, name) {
      return (isShared && typeof name === 'string' && getVariable(name) !== undefined) || ReflectHas(object, name);
    },
    defineProperty(object, name, descriptor) {
      if ('value' in descriptor) {
        if (!descriptor.configurable || !descriptor.writable || !descriptor.enumerable) {
          throw invalid(
            "'process.env' only accepts a configurable, writable, and enumerable data descriptor");
        }
        return define(object, name, `${descriptor.value}`);
      }
      if ('get' in descriptor || 'set' in descriptor) {
        throw invalid(
          "'process.env' does not accept an accessor(getter/setter) descriptor");
      }
      throw invalid(
        "'process.env' only accepts a configurable, writable, and enumerable data descriptor");
    },
    deleteProperty(object, name) {
      if (isShared && typeof name === 'string') deleteVariable(name);
      else ReflectDeleteProperty(object, name);
      return true;
    },
    ownKeys: (object) => isShared ? variableNames() : ReflectOwnKeys(object),
    getOwnPropertyDescriptor(object, name) {
      const value = isShared && typeof name === 'string' ? getVariable(name) : undefined;
      if (value === undefined) return ReflectGetOwnPropertyDescriptor(object, name);
      return { __proto__: null, value, configurable: true, enumerable: true, writable: true };
    },
  });
}

/** A value in words, for the text of an error: bounded in depth and length. */
function inspect(value) {
  return require('internal/util/inspect').inspect(value, { __proto__: null, depth: 4, maxStringLength: 1000 });
}

/** What Node prints of an exception that ends the program. `source` says where it was thrown. */
function describeFatal(error, source) {
  const { inspect } = require('internal/util/inspect');
  const version = isNode ? `\nNode.js ${process.version}\n` : '';
  if (!isNativeError(error)) {
    const isObject = (typeof error === 'object' && error !== null) || typeof error === 'function';
    let shown = '';
    if (isObject) {
      try {
        shown = inspect(error);
      } catch {
        // By a getter of its own. Nothing more can be said.
      }
    } else if (typeof error !== 'symbol') {
      shown = String(error);
    }
    const hint = isNode && !isObject ?
      '(Use `node --trace-uncaught ...` to show where the exception was thrown)\n' : '';
    // What is thrown has no place for where it was thrown, and Node tells that ahead, in a paragraph of its own.
    return `${source === '' ? 'Uncaught:\n' : `\n${source}`}${shown}\n${hint}${version}`;
  }
  let { stack } = error;
  if (typeof stack !== 'string') stack = inspect(error);
  const {
    fatalExceptionStackEnhancers: { afterInspector },
  } = require('internal/errors');
  try {
    stack = afterInspector(error);
  } catch {
    // The plain stack then.
  }
  const arrow = error[kArrow] ?? source;
  if (error[kDecorated] || arrow === undefined || arrow === '') return `${stack}\n${version}`;
  return `${arrow}\n${stack}\n${version}`;
}

// What the network refuses is refused by a rule, which says more than the error's number.
{
  const { refusal } = internalBinding('cordon');
  const errors = require('internal/errors');
  const explained = (Base) => class extends Base {
    constructor(...args) {
      super(...args);
      const reason = refusal();
      if (reason === undefined) return;
      const { message, stack } = this;
      this.message = `${message}: ${reason}`;
      if (typeof stack !== 'string') return;
      const at = StringPrototypeIndexOf(stack, message);
      if (at < 0) return;
      const rest = StringPrototypeSlice(stack, at + message.length);
      this.stack = `${StringPrototypeSlice(stack, 0, at)}${this.message}${rest}`;
    }
  };
  errors.ExceptionWithHostPort = explained(errors.ExceptionWithHostPort);
  errors.DNSException = explained(errors.DNSException);
}

// Types are taken out of TypeScript without WebAssembly here, so that none need be there.
require('internal/util').assertTypeScript = () => {};

/** The values of an iterable, in a list; undefined for what is none. */
function valuesOf(iterable) {
  if (iterable === null || typeof iterable !== 'object') return undefined;
  const method = iterable[SymbolIterator];
  if (typeof method !== 'function') return undefined;
  const iterator = FunctionPrototypeCall(method, iterable);
  if (iterator === null || typeof iterator !== 'object') return undefined;
  const { next } = iterator;
  if (typeof next !== 'function') return undefined;
  const values = [];
  for (;;) {
    const result = FunctionPrototypeCall(next, iterator);
    if (result === null || typeof result !== 'object') return undefined;
    if (result.done) return values;
    ArrayPrototypePush(values, result.value);
  }
}

/** What is transferred with a message: an iterable, or the one in `{ transfer }`. */
function transferList(value) {
  const list = valuesOf(value);
  if (list !== undefined) return list;
  const { transfer } = value;
  if (transfer === undefined) return [];
  const values = valuesOf(transfer);
  if (values !== undefined) return values;
  const error = new TypeError('Optional options.transfer argument must be an iterable');
  error.code = 'ERR_INVALID_ARG_TYPE';
  throw error;
}

function warn(text) {
  process.emitWarning(text);
}

// The VM's own interfaces are modules: of CommonJS as the library's are, of ECMAScript by being in the loader's cache
// when they are asked for. Gives that cache.
function installInterfaces() {
  const { BuiltinModule } = require('internal/bootstrap/realm');
  const { loadCache } = require('internal/modules/esm/loader').getOrInitializeCascadedLoader();
  const ids = ReflectOwnKeys(vm.interfaces);
  for (let i = 0; i < ids.length; i++) {
    const module = new BuiltinModule(ids[i]);
    module.exports = vm.interfaces[ids[i]];
    module.loaded = true;
    BuiltinModule.map.set(ids[i], module);
    BuiltinModule.allowRequireByUsers(ids[i]);
  }
  const cached = loadCache.get;
  let isMakingJob = false;
  loadCache.get = function get(url, type) {
    const job = ReflectApply(cached, this, [url, type]);
    if (job !== undefined || type !== undefined || isMakingJob || !ObjectHasOwn(vm.interfaces, url)) return job;
    // A job looks for itself in the cache while it is made.
    isMakingJob = true;
    try {
      return interfaceJob(loadCache, url, vm.interfaces[url]);
    } finally {
      isMakingJob = false;
    }
  };
  return loadCache;
}

function interfaceJob(loadCache, url, exports) {
  const { ModuleWrap, kEvaluationPhase } = internalBinding('module_wrap');
  const { ModuleJob } = require('internal/modules/esm/module_job');
  const names = ObjectKeys(exports);
  const wrap = new ModuleWrap(url, undefined, names, function() {
    for (let i = 0; i < names.length; i++) this.setExport(names[i], exports[names[i]]);
  });
  const { getOrInitializeCascadedLoader } = require('internal/modules/esm/loader');
  const job = new ModuleJob(
    getOrInitializeCascadedLoader(), url, { __proto__: null }, wrap, kEvaluationPhase, false, false);
  loadCache.set(url, undefined, job);
  return job;
}

/**
 * Called once the VM is known. Host functions are globals; those with a dot in their name are in an object of the name
 * before it. Where clocks are frozen, WebAssembly gives no shared memory either.
 */
function configure(names, isFrozen) {
  if (isFrozen && 'WebAssembly' in globalThis) vm.hideSharedMemory();
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    const dot = StringPrototypeIndexOf(name, '.');
    let object = globalThis;
    if (dot >= 0) {
      const collection = StringPrototypeSlice(name, 0, dot);
      const existing = ObjectGetOwnPropertyDescriptor(globalThis, collection)?.value;
      object = typeof existing === 'object' && existing !== null ? existing : {};
      if (object !== existing) defineGlobal(globalThis, collection, object);
    }
    defineGlobal(object, StringPrototypeSlice(name, dot + 1), vm.hostFunction(name));
  }
}

function defineGlobal(object, name, value) {
  ObjectDefineProperty(object, name, {
    __proto__: null, value, configurable: true, enumerable: false, writable: true,
  });
}

/**
 * A turn is over that has lasted from `shown`, which clocks showed all the while, until `now`: its timers count from
 * here, but for one millisecond: what was to be done at once is done in the next round, as it is in Node behind a turn of
 * some milliseconds. Their lists are looked at when they would have been due, and then put off.
 */
function countTimersFrom(shown, now) {
  const { timerListMap } = require('internal/timers');
  const durations = ObjectKeys(timerListMap);
  const start = now - 1;
  for (let i = 0; i < durations.length; i++) {
    const list = timerListMap[durations[i]];
    // From the newest on.
    for (let timer = list._idleNext; timer !== list && timer?._idleStart === shown; timer = timer._idleNext) {
      timer._idleStart = start;
    }
  }
}

const ofThread = {
  __proto__: null,
  configure,
  countTimersFrom,
  describeFatal,
  environment,
  environmentPairs,
  inspect,
  shareEnvironment,
  transferList,
  warn,
};
// A further thread has Node's own main script, which runs when it begins.
if (!internalBinding('worker').isMainThread) {
  const preparation = require('internal/process/pre_execution');
  const { initializeModuleLoaders } = preparation;
  preparation.initializeModuleLoaders = (options) => {
    initializeModuleLoaders(options);
    installInterfaces();
  };
  return ofThread;
}

// What Node does before it runs a program, once and ahead: none of it depends on the program with the default options.
const preparation = require('internal/process/pre_execution');
const { loadPreloadModules, markBootstrapComplete } = preparation;
preparation.prepareMainThreadExecution(false);
// Node's own main scripts, which some programs begin with, do only the rest.
preparation.prepareMainThreadExecution = (expandArgv1) => {
  const main = prepare(expandArgv1);
  loadPreloadModules();
  return main;
};
preparation.markBootstrapComplete = () => {};

const { BuiltinModule } = require('internal/bootstrap/realm');
const { Module } = require('internal/modules/cjs/loader');
const { getOptionValue, refreshOptions } = require('internal/options');
const { onWarning } = require('internal/process/warning');
const { initializeDebugEnv } = require('internal/util/debuglog');
const path_ = require('path');

/** What of it does depend on the program: its arguments and its environment. Gives the main file's full path. */
function prepare(expandArgv1) {
  process.exitCode = undefined;
  process._exiting = false;
  process.argv[0] = process.execPath;
  if (isNode) prepareNode();
  markBootstrapComplete();
  if (!expandArgv1 || !process.argv[1] || process.argv[1][0] === '-') return undefined;
  return process.argv[1] = path_.resolve(process.argv[1]);
}

/** The part of it that Node's own options and variables decide. */
function prepareNode() {
  const { env } = process;
  readOptions();
  if (env.NODE_DEBUG) initializeDebugEnv(env.NODE_DEBUG);
  if (env.HOME || env.NODE_PATH) Module._initPaths();
  if (env.NODE_NO_WARNINGS === '1') process.removeListener('warning', onWarning);
  if (env.NODE_CHANNEL_FD) {
    const descriptor = NumberParseInt(env.NODE_CHANNEL_FD, 10);
    const mode = env.NODE_CHANNEL_SERIALIZATION_MODE || 'json';
    delete env.NODE_CHANNEL_FD;
    delete env.NODE_CHANNEL_SERIALIZATION_MODE;
    require('child_process')._forkChild(descriptor, mode);
  }
}

/** What the process object says of options that are given: name and option, one after another. */
const kAliases = [
  '_eval', '--eval',
  '_print_eval', '--print',
  '_syntax_check_only', '--check',
  '_forceRepl', '--interactive',
  '_preload_modules', '--require',
  'noDeprecation', '--no-deprecation',
  'noProcessWarnings', '--no-warnings',
  'traceProcessWarnings', '--trace-warnings',
  'throwDeprecation', '--throw-deprecation',
  'traceDeprecation', '--trace-deprecation',
];

function disableProto(mode) {
  if (mode === 'delete') {
    delete ObjectPrototype.__proto__; // eslint-disable-line no-proto
  } else if (mode === 'throw') {
    const thrower = () => {
      const error = new Error('Accessing Object.prototype.__proto__ has been disallowed with --disable-proto=throw');
      error.code = 'ERR_PROTO_ACCESS';
      throw error;
    };
    ObjectDefineProperty(ObjectPrototype, '__proto__', {
      __proto__: null, get: thrower, set: thrower, configurable: true, enumerable: false,
    });
  }
}

/** What V8 begins with. */
const kStackTraceLimit = 10;

/** What of the program's own options is looked at before it runs; the rest is asked for when it is wanted. */
function readOptions() {
  if (process.execArgv.length === 0 && process.env.NODE_OPTIONS === undefined) return;
  refreshOptions();
  loadEnvironmentFiles('--env-file', true);
  loadEnvironmentFiles('--env-file-if-exists', false);
  if (getOptionValue('--conditions').length !== 0) {
    require('internal/modules/esm/utils').initializeESM(false);
    require('internal/modules/helpers').initializeCjsConditions();
  }
  for (let i = 0; i < kAliases.length; i += 2) {
    const value = getOptionValue(kAliases[i + 1]);
    if (!value) continue;
    ObjectDefineProperty(process, kAliases[i], {
      __proto__: null, value, configurable: true, enumerable: true, writable: false,
    });
  }
  if (getOptionValue('--no-experimental-websocket')) {
    delete globalThis.WebSocket;
    delete globalThis.CloseEvent;
  }
  if (getOptionValue('--no-experimental-global-navigator')) {
    delete globalThis.navigator;
    delete globalThis.Navigator;
  }
  BuiltinModule.allowOptionGatedBuiltins(getOptionValue);
  if (getOptionValue('--experimental-vm-modules')) {
    const { Module: VmModule, SourceTextModule, SyntheticModule } = require('internal/vm/module');
    const vm_ = require('vm');
    vm_.Module = VmModule;
    vm_.SourceTextModule = SourceTextModule;
    vm_.SyntheticModule = SyntheticModule;
  }
  disableProto(getOptionValue('--disable-proto'));
  if (getOptionValue('--frozen-intrinsics')) {
    require('internal/util').emitExperimentalWarning('Frozen intristics');
    require('internal/freeze_intrinsics')();
  }
  const title = getOptionValue('--title');
  if (title !== '') process.title = title;
  const depth = getOptionValue('--stack-trace-limit');
  if (depth !== kStackTraceLimit) Error.stackTraceLimit = depth;
  if (getOptionValue('--dns-result-order')) require('internal/dns/utils').initializeDns();
  if (!getOptionValue('--warnings')) process.removeListener('warning', onWarning);
  if (getOptionValue('--enable-source-maps')) {
    const { setSourceMapsSupport } = require('internal/source_map/source_map_cache');
    setSourceMapsSupport(true, { __proto__: null, nodeModules: true, generatedCode: true });
  }
}

function loadEnvironmentFiles(option, isNeeded) {
  const files = getOptionValue(option);
  if (!ArrayIsArray(files)) return;
  for (let i = 0; i < files.length; i++) {
    try {
      process.loadEnvFile(files[i]);
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
      if (!isNeeded) {
        process._rawDebug(`${files[i]} not found. Continuing without it.`);
        continue;
      }
      process._rawDebug(`node: ${files[i]}: not found`);
      process.reallyExit(9);
    }
  }
}

/** A command line that nothing is run for. */
function refuse(why) {
  process._rawDebug(why);
  process.reallyExit(9);
}

function tellVersion() {
  prepare(false);
  require('internal/console/global').log(process.version);
}

/** An argument as a word of the shell's. */
function quoted(argument) {
  if (argument === '') return "''";
  if (RegExpPrototypeExec(/[\t\n\r "#$&'()*;<>?\\`|~]/, argument) === null) return argument;
  return `'${RegExpPrototypeSymbolReplace(/'/g, argument, "'\\''")}'`;
}

function isFolder(path) {
  return require('fs').statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** `node --run`: the text of a script of the nearest package.json, for the shell. Without a name it tells all. */
function runTask(name, args) {
  prepare(false);
  const fs = require('fs');
  const fail = (text) => {
    process._rawDebug(text);
    process.exitCode = 1;
  };
  const start = process.cwd();
  let file;
  let text = '';
  let folders = '';
  for (let folder = start; folder !== path_.dirname(folder); folder = path_.dirname(folder)) {
    const programs = path_.join(folder, 'node_modules', '.bin');
    if (isFolder(programs)) folders += `${programs}:`;
    if (text !== '') continue;
    file = path_.join(folder, 'package.json');
    try {
      text = fs.readFileSync(file, 'utf8');
    } catch {
      // It is looked for further up.
    }
  }
  if (text === '') return fail(`Can't find package.json for directory ${start}`);
  let content;
  try {
    content = JSONParse(text);
  } catch {
    return fail(`Can't parse ${file}`);
  }
  const isObject = (value) => typeof value === 'object' && value !== null && !ArrayIsArray(value);
  if (!isObject(content)) return fail(`Root value unexpected not an object for ${file}\n`);
  const { scripts } = content;
  if (!isObject(scripts)) return fail(`Can't find "scripts" field in ${file}`);
  if (name === undefined || !ObjectHasOwn(scripts, name)) {
    let told = name === undefined ? '' : `Missing script: "${name}" for ${file}\n\n`;
    told += 'Available scripts are:';
    const names = ObjectKeys(scripts);
    for (let i = 0; i < names.length; i++) {
      if (typeof scripts[names[i]] === 'string') told += `\n  ${names[i]}: ${scripts[names[i]]}`;
    }
    fail(told);
    if (name === undefined) process.exitCode = 9;
    return;
  }
  let command = scripts[name];
  if (typeof command !== 'string') {
    return fail(`Script "${name}" is unexpectedly not a string for ${file}\n`);
  }
  for (let i = 0; i < args.length; i++) command += ` ${quoted(args[i])}`;
  const env = { __proto__: null, ...process.env };
  if (env.PATH !== undefined) env.PATH = `${folders}${env.PATH}`;
  env.NODE_RUN_SCRIPT_NAME = name;
  env.NODE_RUN_PACKAGE_JSON_PATH = file;
  const child = require('child_process').spawn('/bin/sh', ['-c', command], {
    __proto__: null, argv0: '/bin/sh', cwd: path_.dirname(file), env, stdio: 'inherit',
  });
  child.on('error', (error) => fail(`Error: ${error.message}`));
  child.on('exit', (code) => {
    if (code !== 0 && code !== null) process.exitCode = 1;
  });
}

/** `node --test`: what Node's main script for it does. */
function runTests() {
  prepare(false);
  const { run } = require('internal/test_runner/runner');
  const { parseCommandLine } = require('internal/test_runner/utils');
  const options = parseCommandLine();
  if (options.isolation !== 'none') loadPreloadModules();
  options.globPatterns = ArrayPrototypeSlice(process.argv, 1);
  run(options).on('test:summary', (data) => {
    if (!data.success) process.exitCode = 1;
  });
}

function makeModule(path) {
  const module = new Module(path);
  module.filename = path;
  module.paths = Module._nodeModulePaths(path_.dirname(path));
  return module;
}

const { makeRequireFunction } = require('internal/modules/helpers');
const { pathToFileURL } = require('internal/url');

/** The globals that inline scripts have in `node -e`. */
function defineScriptGlobals(path) {
  if (!isNode) return;
  const module = makeModule(path);
  const values = {
    __proto__: null,
    require: makeRequireFunction(module),
    module,
    exports: module.exports,
    __filename: path,
    __dirname: path_.dirname(path),
  };
  const names = ObjectKeys(values);
  for (let i = 0; i < names.length; i++) {
    defineGlobal(globalThis, names[i], values[names[i]]);
  }
}

function runModule(source, url) {
  const { runEntryPointWithESMLoader } = require('internal/modules/run_main');
  return runEntryPointWithESMLoader((loader) => loader.eval(source, url, true));
}

function begin(kind, text, path, inputs) {
  for (let i = 0; i < inputs.length; i += 2) {
    ObjectDefineProperty(globalThis, inputs[i], {
      __proto__: null, value: JSONParse(inputs[i + 1]), configurable: true, enumerable: true, writable: true,
    });
  }
  switch (kind) {
    case 'file': {
      const main = prepare(true);
      loadPreloadModules();
      Module.runMain(main);
      return;
    }
    case 'module-file':
    case 'commonjs-file':
    case 'script-file': {
      prepare(true);
      const full = path_.resolve(path);
      const source = require('fs').readFileSync(full, 'utf8');
      if (kind === 'module-file') runModule(source, pathToFileURL(full).href);
      else if (kind === 'commonjs-file') makeModule(full)._compile(source, full, 'commonjs');
      else runScript(source, full);
      return;
    }
    case 'module':
      prepare(false);
      loadPreloadModules();
      runModule(text, pathToFileURL(path).href);
      return;
    case 'commonjs':
      prepare(false);
      makeModule(path)._compile(text, path, 'commonjs');
      return;
    case 'script':
      prepare(false);
      loadPreloadModules();
      defineScriptGlobals(path);
      runScript(text, path);
      return;
    default:
      prepare(false);
      defineScriptGlobals(path);
  }
}

function runScript(source, path) {
  const { makeContextifyScript, runScriptInThisContext } = require('internal/vm');
  const { vm_dynamic_import_default_internal } = internalBinding('symbols');
  const script = makeContextifyScript(source, path, 0, 0, undefined, false, undefined,
                                      vm_dynamic_import_default_internal, undefined);
  runScriptInThisContext(script, true, false);
}

const loadCache = installInterfaces();

/**
 * A job has ended whose realm goes on: its timers and immediates are gone already, which the library does not know, and
 * modules that it has left half done are loaded anew. Guest code can reach the cache of CommonJS: none of its getters runs.
 */
function forgetUnfinished() {
  const { immediateQueue, knownTimersById, timerListMap, timerListQueue } = require('internal/timers');
  immediateQueue.head = immediateQueue.tail = null;
  while (timerListQueue.peek() !== undefined) timerListQueue.shift();
  forgetAll(timerListMap);
  forgetAll(knownTimersById);
  internalBinding('timers').timeoutInfo[0] = 0;
  const cache = Module._cache;
  if (!isProxy(cache)) {
    const files = ReflectOwnKeys(cache);
    for (let i = 0; i < files.length; i++) {
      const module = ObjectGetOwnPropertyDescriptor(cache, files[i])?.value;
      if (typeof module !== 'object' || module === null || isProxy(module)) continue;
      if (ObjectGetOwnPropertyDescriptor(module, 'loaded')?.value === false) ReflectDeleteProperty(cache, files[i]);
    }
  }
  SafeMapPrototypeForEach(loadCache, (jobs, url) => {
    const types = ReflectOwnKeys(jobs);
    for (let i = 0; i < types.length; i++) {
      if (isUnfinished(jobs[types[i]]?.module)) delete jobs[types[i]];
    }
  });
}

function forgetAll(object) {
  const keys = ReflectOwnKeys(object);
  for (let i = 0; i < keys.length; i++) delete object[keys[i]];
}

/** Whether a module has been begun and has not come to an end, be it a good one. */
function isUnfinished(module) {
  const { kEvaluated, kErrored } = internalBinding('module_wrap');
  if (module === undefined) return true;
  const status = module.getStatus();
  if (status === kErrored) return module.getError() === null;
  if (status !== kEvaluated) return true;
  if (!module.hasAsyncGraph) return false;
  // To evaluate it again runs nothing and gives the promise of its end.
  const { getPromiseDetails, constants: { kPending } } = internalBinding('util');
  return getPromiseDetails(module.evaluate(-1, false))[0] === kPending;
}

return {
  __proto__: null,
  ...ofThread,
  begin,
  forgetUnfinished,
  refuse,
  runTask,
  runTests,
  tellVersion,
};
