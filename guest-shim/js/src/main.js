// What becomes global, and what Rust is handed back.

if (platform === "neutral") {
  defineGlobal("console", makeConsole());
  const functions = {
    setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate, queueMicrotask,
    structuredClone, atob, btoa,
  };
  const classes = {
    AbortController, AbortSignal, Crypto, CustomEvent, DOMException, Event, EventTarget, Performance, TextDecoder,
    TextEncoder, URL, URLSearchParams,
  };
  const names = ownKeys(functions);
  for (let i = 0; i < names.length; i++) {
    defineProperty(globalThis, names[i], {
      __proto__: null, value: functions[names[i]], writable: true, configurable: true, enumerable: true,
    });
  }
  const classNames = ownKeys(classes);
  for (let i = 0; i < classNames.length; i++) defineGlobal(classNames[i], classes[classNames[i]]);
  defineGlobal("crypto", new Crypto(makingSignal));
  defineGlobal("performance", new Performance(makingSignal));
} else {
  // V8 brings a console of its own, which says nothing.
  deleteProperty(globalThis, "console");
}

/** Called once the VM is known: its host functions, and the constructor of shared memory where it has any. */
function configure(hostFunctions, sharedArrayBuffer) {
  clockStart = natives.now();
  clockOrigin = natives.timeOrigin() + clockStart;
  for (let i = 0; i < hostFunctions.length; i++) {
    const name = hostFunctions[i];
    const dot = stringIndexOf(name, ".");
    if (dot < 0) {
      defineGlobal(name, hostFunction(name));
      continue;
    }
    const collection = stringSlice(name, 0, dot);
    const existing = getOwnPropertyDescriptor(globalThis, collection)?.value;
    const object = typeof existing === "object" && existing !== null ? existing : {};
    if (object !== existing) defineGlobal(collection, object);
    defineProperty(object, stringSlice(name, dot + 1), {
      __proto__: null, value: hostFunction(name), writable: true, configurable: true, enumerable: true,
    });
  }
  if (sharedArrayBuffer !== undefined) defineGlobal("SharedArrayBuffer", sharedArrayBuffer);
  else if (wasmApi !== undefined) hideSharedMemory();
}

return {
  __proto__: null, configure, dataCloneError, forgetUnfinished, inspect, interfaces, requireFile, runCommonJs, runTimer,
};
