// The interfaces of wit/ as modules: `cordon:vm/types`, `descriptors`, `filesystem`, `process`, `host`, `engine`.
// Names are those of the contract in camelCase; u64 is a bigint, a list of bytes a Uint8Array, an enum its name, a
// variant `{ tag, val }`; an error of the contract is thrown with its name as `code` ("ENOENT"). What may wait
// returns a promise.

const makingResource = SymbolOf("making a resource");
const openFlagBits = {
  __proto__: null, read: 1, write: 2, append: 4, create: 8, exclusive: 16, truncate: 32, directory: 64, noFollow: 128,
};

let descriptorId;
const closeForgotten = new FinalizationRegistry((id) => { natives.fileClose(id); });
const dropForgotten = new FinalizationRegistry((id) => { natives.childDrop(id); });
const registerForgotten = uncurry(FinalizationRegistry.prototype.register);
const unregisterForgotten = uncurry(FinalizationRegistry.prototype.unregister);

class Descriptor {
  #id;
  constructor(token, id) {
    if (token !== makingResource) throw typeError("Illegal constructor");
    this.#id = id;
    registerForgotten(closeForgotten, this, id, this);
  }
  read(length) { return natives.fileRead(this.#id, length); }
  write(bytes) { return natives.fileWrite(this.#id, bytes); }
  seek(offset, whence) {
    const from = arrayIndexOf(["start", "current", "end"], whence);
    if (from < 0) throw typeError("whence: not \"start\", \"current\" or \"end\"");
    return natives.fileSeek(this.#id, BigIntOf(offset), from);
  }
  truncate(size) { natives.fileTruncate(this.#id, BigIntOf(size)); }
  status() { return natives.fileStatus(this.#id); }
  duplicate() { return new Descriptor(makingResource, natives.fileDuplicate(this.#id)); }
  isTerminal() { return natives.fileIsTerminal(this.#id); }
  close() {
    unregisterForgotten(closeForgotten, this);
    natives.fileClose(this.#id);
    this.#id = 0;
  }
  static { descriptorId = (descriptor) => descriptor.#id; }
}
defineProperty(Descriptor.prototype, symbolDispose, {
  __proto__: null, value: Descriptor.prototype.close, writable: true, configurable: true,
});
exposeClass(Descriptor, "Descriptor");

/** A text as bytes; what is none is looked at where it is used. */
function bytesOf(contents) {
  return typeof contents === "string" ? natives.encodeUtf8(contents) : contents;
}

const descriptors = {
  Descriptor,
  inherited(number) { return new Descriptor(makingResource, natives.fileInherited(number)); },
  pipe() {
    const ends = natives.filePipe();
    return [new Descriptor(makingResource, ends[0]), new Descriptor(makingResource, ends[1])];
  },
  memoryFile() { return new Descriptor(makingResource, natives.fileMemory()); },
  memoryFileOf(contents) { return new Descriptor(makingResource, natives.fileMemoryOf(bytesOf(contents))); },
};

/** The contract's choice whether a link at the end is followed; followed when left out. */
function follows(symlinks) {
  if (symlinks === undefined || symlinks === "follow") return true;
  if (symlinks === "no-follow") return false;
  throw typeError("symlinks: not \"follow\" or \"no-follow\"");
}

const filesystem = {
  open(path, flags, mode = 0o666) {
    let bits = 0;
    const names = ownKeys(openFlagBits);
    for (let i = 0; i < names.length; i++) if (flags?.[names[i]]) bits |= openFlagBits[names[i]];
    return new Descriptor(makingResource, natives.fsOpen(`${path}`, bits, mode));
  },
  readFile(path) { return natives.fsReadFile(`${path}`); },
  writeFile(path, contents) {
    natives.fsWriteFile(`${path}`, bytesOf(contents));
  },
  status(path, symlinks) { return natives.fsStatus(`${path}`, follows(symlinks)); },
  readDirectory(path) { return natives.fsReadDirectory(`${path}`); },
  createDirectory(path, mode = 0o777) { natives.fsCreateDirectory(`${path}`, mode); },
  createFifo(path, mode = 0o666) { natives.fsCreateFifo(`${path}`, mode); },
  removeDirectory(path) { natives.fsRemoveDirectory(`${path}`); },
  removeFile(path) { natives.fsRemoveFile(`${path}`); },
  rename(source, target) { natives.fsRename(`${source}`, `${target}`); },
  createSymlink(target, path) { natives.fsCreateSymlink(`${target}`, `${path}`); },
  readSymlink(path) { return natives.fsReadSymlink(`${path}`); },
  createLink(existing, path) { natives.fsCreateLink(`${existing}`, `${path}`); },
  setMode(path, mode) { natives.fsSetMode(`${path}`, mode); },
  setTimes(path, accessed, modified, symlinks) {
    natives.fsSetTimes(`${path}`, BigIntOf(accessed), BigIntOf(modified), follows(symlinks));
  },
  canonicalPath(path) { return natives.fsCanonicalPath(`${path}`); },
};

class Child {
  #id; #pid;
  constructor(token, id, pid) {
    if (token !== makingResource) throw typeError("Illegal constructor");
    this.#id = id;
    this.#pid = pid;
    registerForgotten(dropForgotten, this, id, this);
  }
  id() { return this.#pid; }
  wait() { return natives.childWait(this.#id); }
  tryWait() { return natives.childTryWait(this.#id); }
  kill(signal) { natives.childKill(this.#id, signal); }
  [symbolDispose]() {
    unregisterForgotten(dropForgotten, this);
    natives.childDrop(this.#id);
    this.#id = 0;
  }
}
exposeClass(Child, "Child");

const dispositions = freeze(["default", "ignore", "handle"]);

function flatPairs(pairs, second) {
  const flat = [];
  pairs = ArrayOf.from(pairs);
  for (let i = 0; i < pairs.length; i++) arrayPush(flat, pairs[i][0], second(pairs[i][1]));
  return flat;
}

const childProcess = {
  Child,
  spawn(options) {
    const program = `${options.program}`;
    const list = options.arguments === undefined ? [program] : ArrayOf.from(options.arguments);
    const environment = options.environment === undefined
      ? natives.processEnvironment()
      : flatPairs(options.environment, (value) => `${value}`);
    const directory = options.currentDirectory;
    const given = options.descriptors === undefined ? undefined : flatPairs(options.descriptors, descriptorId);
    const ignored = options.ignoredSignals === undefined ? [] : ArrayOf.from(options.ignoredSignals);
    const inherited = [];
    try {
      const files = given ?? inheritStandard(inherited);
      const child = natives.processSpawn(
        program, list, environment, directory === undefined ? undefined : `${directory}`, files, ignored,
      );
      return new Child(makingResource, child[0], child[1]);
    } finally {
      for (let i = 0; i < inherited.length; i++) natives.fileClose(inherited[i]);
    }
  },
  kill(id, signal) { natives.processKill(id, signal); },
  id() { return natives.processId(); },
  parentId() { return natives.processParentId(); },
  arguments() { return natives.processArguments(); },
  environment() {
    const flat = natives.processEnvironment(), pairs = [];
    for (let i = 0; i < flat.length; i += 2) arrayPush(pairs, [flat[i], flat[i + 1]]);
    return pairs;
  },
  currentDirectory() { return natives.processCwd(); },
  setCurrentDirectory(path) { natives.processChdir(`${path}`); },
  setUmask(mask) { return natives.processUmask(mask); },
  getDisposition(signal) { return dispositions[natives.processDisposition(signal)]; },
  setDisposition(signal, disposition) {
    const number = arrayIndexOf(dispositions, disposition);
    if (number < 0) throw typeError("disposition: not \"default\", \"ignore\" or \"handle\"");
    natives.processSetDisposition(signal, number);
  },
  takeSignal() { return natives.processTakeSignal(); },
  waitSignal() { return natives.processWaitSignal(); },
};

/** The caller's own standard streams, for children that are given none. */
function inheritStandard(opened) {
  const files = [];
  for (let number = 0; number < 3; number++) {
    let id;
    try { id = natives.fileInherited(number); } catch { continue; }
    arrayPush(opened, id);
    arrayPush(files, number, id);
  }
  return files;
}

const host = {
  functions() { return natives.hostFunctions(); },
  async call(name, input) { return natives.hostCall(`${name}`, `${input}`); },
};

const engine = { report() { return natives.engineReport(); } };

const interfaces = {
  __proto__: null,
  "cordon:vm/types": freeze({}),
  "cordon:vm/descriptors": freeze(descriptors),
  "cordon:vm/filesystem": freeze(filesystem),
  "cordon:vm/process": freeze(childProcess),
  "cordon:vm/host": freeze(host),
  "cordon:vm/engine": freeze(engine),
};
freeze(interfaces);

/** A host function as guest code calls it: values in and out, as JSON. */
function hostFunction(name) {
  return {
    async [name](input) {
      const text = jsonStringify(input === undefined ? null : input);
      if (text === undefined) throw typeError(`${name}: the input cannot be written as JSON`);
      return jsonParse(await natives.hostCall(name, text));
    },
  }[name];
}
