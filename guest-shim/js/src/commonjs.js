// CommonJS modules: `require`, its cache, and the objects around a module's code.

const commonJsModules = new MapOf();

/** The paths of the modules whose code runs now, the outermost first. */
const running = [];

class Module {
  constructor(filename, parent) {
    this.id = filename;
    this.path = folderOf(filename);
    this.exports = {};
    this.filename = filename;
    this.loaded = false;
    this.children = [];
    defineProperty(this, "parent", { __proto__: null, value: parent, writable: true, configurable: true });
  }
}

function folderOf(path) {
  const at = stringLastIndexOf(path, "/");
  return at <= 0 ? "/" : stringSlice(path, 0, at);
}

function makeRequire(module) {
  function require(specifier) {
    if (typeof specifier !== "string") throw typeError("require() needs a string", "ERR_INVALID_ARG_TYPE");
    const target = natives.requireResolve(specifier, module.filename);
    if (stringStartsWith(target, "cordon:")) {
      const found = interfaces[target];
      if (found === undefined) {
        const error = new ErrorOf(`Cannot find module '${target}'`);
        error.code = "ERR_MODULE_NOT_FOUND";
        throw error;
      }
      return found;
    }
    return requireFile(target, module);
  }
  require.resolve = function resolve(specifier) { return natives.requireResolve(`${specifier}`, module.filename); };
  require.main = mainModule;
  require.cache = create(null);
  return require;
}

let mainModule;

/** The exports of the file at a path, which runs it the first time. */
function requireFile(path, parent) {
  const known = mapGet(commonJsModules, path);
  if (known !== undefined) return known.exports;
  const format = natives.moduleFormat(path);
  if (format === "json") {
    const module = new Module(path, parent);
    const text = natives.readModuleText(path);
    try { module.exports = jsonParse(text); } catch (error) {
      throw new SyntaxError(`${path}: ${error.message}`);
    }
    module.loaded = true;
    mapSet(commonJsModules, path, module);
    return module.exports;
  }
  if (format === "module") return natives.requireModule(path, running);
  return runModule(new Module(path, parent), undefined).exports;
}

function runModule(module, source) {
  mapSet(commonJsModules, module.filename, module);
  arrayPush(running, module.filename);
  let ended = false;
  try {
    const code = natives.compileCommonJs(module.filename, source);
    apply(code, module.exports, [module.exports, makeRequire(module), module, module.filename, module.path]);
    ended = true;
  } finally {
    running.length--;
    if (!ended) mapDelete(commonJsModules, module.filename);
  }
  module.loaded = true;
  return module;
}

/** Runs a program that is CommonJS: a file, or a text that goes by a path. */
function runCommonJs(path, source) {
  mainModule = new Module(path, undefined);
  runModule(mainModule, source);
}

/** Forgets modules whose code was ended from outside: no `finally` of it has run. */
function forgetUnfinished() {
  for (let i = 0; i < running.length; i++) mapDelete(commonJsModules, running[i]);
  running.length = 0;
}
