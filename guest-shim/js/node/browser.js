'use strict';
// How the platform `browser` takes packages: with what their `browser` fields put in the place of modules meant for Node,
// as bundlers read them (https://github.com/defunctzombie/package-browser-field-spec): a text stands for the main module,
// a map names files and packages with what to take instead, and `false` for an empty module. It is the body of a function
// with the parameters of Node's main scripts, runs once per realm, and must not know globals or jobs.

const {
  ArrayPrototypeIncludes,
  JSONParse,
  ObjectHasOwn,
  SafeMap,
  StringPrototypeEndsWith,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
} = primordials;

const { internalModuleStat, readFileUtf8 } = internalBinding('fs');
const { fs: { O_RDONLY } } = internalBinding('constants');
const { registerHooks } = require('internal/modules/customization_hooks');
const { getNearestParentPackageJSON } = require('internal/modules/package_json_reader');
const { fileURLToPath, pathToFileURL } = require('internal/url');
const { dirname, join } = require('path');

const BOM = '\uFEFF';
const FILE = 'file:///';
/** Where modules are that packages do without in browsers. */
const DISABLED = '/(disabled)/';
const DISABLED_URL = pathToFileURL(DISABLED).href;
/** What a name may leave out, as in `require()`. */
const ENDINGS = ['', '.js', '.json', '/index.js'];

/** The `browser` maps of packages, by the paths of their package.json. `null` for those that have none. */
const maps = new SafeMap();

/** The package that a file is part of: its directory and map, if it has one. */
function packageOf(file) {
  const { data, exists, path } = getNearestParentPackageJSON(file);
  if (!exists) return undefined;
  let map = maps.get(path);
  if (map === undefined) {
    const text = readFileUtf8(path, O_RDONLY);
    const { browser } = JSONParse(text[0] === BOM ? StringPrototypeSlice(text, 1) : text);
    if (typeof browser === 'string') {
      const main = join(data.main || 'index.js');
      map = { '__proto__': null, [`./${StringPrototypeEndsWith(main, '/') ? `${main}index.js` : main}`]: browser };
    } else {
      map = typeof browser === 'object' ? browser : null;
    }
    maps.set(path, map);
  }
  return map === null ? undefined : { map, directory: dirname(path) };
}

/** What a map has for a name: a text, `false`, or `undefined`. */
function lookUp(map, name) {
  const value = ObjectHasOwn(map, name) ? map[name] : undefined;
  return typeof value === 'string' || value === false ? value : undefined;
}

/** What stands for a file of a package, however its map writes the name. */
function lookUpFile({ map, directory }, file) {
  const relative = StringPrototypeSlice(file, directory.length + 1);
  for (let i = 0; i < ENDINGS.length; i++) {
    if (!StringPrototypeEndsWith(relative, ENDINGS[i])) continue;
    const name = StringPrototypeSlice(relative, 0, relative.length - ENDINGS[i].length);
    const value = lookUp(map, `./${name}`);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** The file that a map names, with the ending that it leaves out. */
function fileOf(directory, name) {
  const path = join(directory, name);
  for (let i = 0; i < ENDINGS.length; i++) {
    if (internalModuleStat(path + ENDINGS[i]) === 0) return path + ENDINGS[i];
  }
  return path;
}

const isPath = (name) => StringPrototypeStartsWith(name, './') || StringPrototypeStartsWith(name, '../');
const isPackage = (name) => !isPath(name) && name[0] !== '/' && StringPrototypeIndexOf(name, ':') === -1;

/** Takes `value`, which the map of the package in `directory` has for `name`. */
function take(value, directory, name, context, next) {
  if (value === false) {
    return { format: 'commonjs', shortCircuit: true, url: pathToFileURL(join(DISABLED, name)).href };
  }
  if (isPackage(value) && internalModuleStat(join(directory, value)) !== 0) return next(value, context);
  const file = fileOf(directory, value);
  return next(ArrayPrototypeIncludes(context.conditions, 'import') ? pathToFileURL(file).href : file, context);
}

registerHooks({
  resolve(specifier, context, next) {
    const { parentURL } = context;
    if (isPackage(specifier) && parentURL !== undefined && StringPrototypeStartsWith(parentURL, FILE)) {
      const from = packageOf(fileURLToPath(parentURL));
      const value = from === undefined ? undefined : lookUp(from.map, specifier);
      if (value !== undefined) return take(value, from.directory, specifier, context, next);
    }
    const found = next(specifier, context);
    if (!StringPrototypeStartsWith(found.url, FILE)) return found;
    const file = fileURLToPath(found.url);
    const to = packageOf(file);
    const value = to === undefined ? undefined : lookUpFile(to, file);
    return value === undefined ? found : take(value, to.directory, file, context, next);
  },
  load(url, context, next) {
    if (!StringPrototypeStartsWith(url, DISABLED_URL)) return next(url, context);
    return { format: 'commonjs', shortCircuit: true, source: '' };
  },
});
