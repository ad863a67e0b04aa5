// Event, EventTarget, AbortController and AbortSignal.

let markTrusted, startDispatch, endDispatch, stopsNow;

class Event {
  #type; #bubbles; #cancelable; #composed; #target = null; #phase = 0; #canceled = false; #stopped = false;
  #stoppedNow = false; #trusted = false; #dispatching = false; #time = clockNow();
  constructor(type, options) {
    if (arguments.length === 0) throw typeError("Event needs a type");
    this.#type = `${type}`;
    this.#bubbles = !!options?.bubbles;
    this.#cancelable = !!options?.cancelable;
    this.#composed = !!options?.composed;
  }
  get type() { return this.#type; }
  get target() { return this.#target; }
  get currentTarget() { return this.#dispatching ? this.#target : null; }
  get srcElement() { return this.#target; }
  get eventPhase() { return this.#phase; }
  get bubbles() { return this.#bubbles; }
  get cancelable() { return this.#cancelable; }
  get composed() { return this.#composed; }
  get defaultPrevented() { return this.#canceled; }
  get returnValue() { return !this.#canceled; }
  get isTrusted() { return this.#trusted; }
  get timeStamp() { return this.#time; }
  composedPath() { return this.#dispatching ? [this.#target] : []; }
  preventDefault() { if (this.#cancelable) this.#canceled = true; }
  stopPropagation() { this.#stopped = true; }
  stopImmediatePropagation() { this.#stopped = this.#stoppedNow = true; }
  static {
    markTrusted = (event) => { event.#trusted = true; };
    startDispatch = (event, target) => {
      if (event.#dispatching) throw new DOMException("the event is being dispatched already", "InvalidStateError");
      event.#dispatching = true;
      event.#target = target;
      event.#phase = 2;
    };
    endDispatch = (event) => { event.#dispatching = event.#stopped = event.#stoppedNow = false; event.#phase = 0; };
    stopsNow = (event) => event.#stoppedNow;
  }
}
exposeClass(Event, "Event");

class CustomEvent extends Event {
  #detail;
  constructor(type, options) { super(type, options); this.#detail = options?.detail ?? null; }
  get detail() { return this.#detail; }
}
exposeClass(CustomEvent, "CustomEvent");

let listenersOf;

class EventTarget {
  #listeners = new MapOf();
  addEventListener(type, callback, options) {
    if (callback === null || callback === undefined) return;
    if (typeof callback !== "function" && typeof callback !== "object") throw typeError("the listener is no function");
    const given = typeof options === "object" && options !== null;
    const capture = given ? !!options.capture : !!options;
    const signal = given ? options.signal : undefined;
    if (signal?.aborted) return;
    type = `${type}`;
    let list = mapGet(this.#listeners, type);
    if (list === undefined) mapSet(this.#listeners, type, list = []);
    for (let i = 0; i < list.length; i++) {
      if (list[i].callback === callback && list[i].capture === capture) return;
    }
    arrayPush(list, { callback, capture, once: given && !!options.once, removed: false });
    if (signal !== undefined && signal !== null) {
      addAbortStep(signal, () => { this.removeEventListener(type, callback, capture); });
    }
  }
  removeEventListener(type, callback, options) {
    const capture = typeof options === "object" && options !== null ? !!options.capture : !!options;
    const list = mapGet(this.#listeners, `${type}`) ?? [];
    for (let i = 0; i < list.length; i++) {
      if (list[i].callback === callback && list[i].capture === capture) {
        list[i].removed = true;
        arraySplice(list, i, 1);
        return;
      }
    }
  }
  dispatchEvent(event) {
    startDispatch(event, this);
    try {
      const list = arraySlice(mapGet(this.#listeners, event.type) ?? []);
      for (let i = 0; i < list.length && !stopsNow(event); i++) {
        const entry = list[i];
        if (entry.removed) continue;
        if (entry.once) this.removeEventListener(event.type, entry.callback, entry.capture);
        try {
          if (typeof entry.callback === "function") apply(entry.callback, this, [event]);
          else entry.callback.handleEvent(event);
        } catch (error) {
          natives.reportUncaught(error);
        }
      }
    } finally {
      endDispatch(event);
    }
    return !event.defaultPrevented;
  }
}
exposeClass(EventTarget, "EventTarget");

/** An `on...` property of a target. */
function handlerProperty(Class, type) {
  const handlers = new WeakMap();
  const get = uncurry(WeakMap.prototype.get), set = uncurry(WeakMap.prototype.set);
  const add = uncurry(EventTarget.prototype.addEventListener), remove = uncurry(EventTarget.prototype.removeEventListener);
  defineProperty(Class.prototype, `on${type}`, {
    __proto__: null, configurable: true, enumerable: true,
    get() { return get(handlers, this) ?? null; },
    set(handler) {
      const old = get(handlers, this);
      if (old !== undefined) remove(this, type, old);
      if (typeof handler !== "function") return void set(handlers, this, undefined);
      set(handlers, this, handler);
      add(this, type, handler);
    },
  });
}

const makingSignal = SymbolOf("making a signal");
let addAbortStep, abortSignal;

class AbortSignal extends EventTarget {
  #aborted = false; #reason = undefined; #steps = [];
  constructor(token) {
    if (token !== makingSignal) throw typeError("Illegal constructor");
    super();
  }
  get aborted() { return this.#aborted; }
  get reason() { return this.#reason; }
  [inspectCustom]() { return `AbortSignal { aborted: ${this.#aborted} }`; }
  throwIfAborted() { if (this.#aborted) throw this.#reason; }
  static abort(reason) {
    const signal = new AbortSignal(makingSignal);
    abortSignal(signal, reason);
    return signal;
  }
  static timeout(milliseconds) {
    const signal = new AbortSignal(makingSignal);
    startTimer(() => {
      abortSignal(signal, new DOMException("The operation was aborted due to timeout", "TimeoutError"));
    }, +milliseconds, [], false);
    return signal;
  }
  static any(signals) {
    const result = new AbortSignal(makingSignal);
    const sources = ArrayOf.from(signals);
    for (let i = 0; i < sources.length; i++) {
      if (sources[i].#aborted) {
        abortSignal(result, sources[i].#reason);
        return result;
      }
    }
    for (let i = 0; i < sources.length; i++) {
      addAbortStep(sources[i], () => { abortSignal(result, sources[i].#reason); });
    }
    return result;
  }
  static {
    addAbortStep = (signal, step) => {
      if (signal.#aborted) step();
      else arrayPush(signal.#steps, step);
    };
    abortSignal = (signal, reason) => {
      if (signal.#aborted) return;
      signal.#aborted = true;
      signal.#reason = reason === undefined ? new DOMException("This operation was aborted", "AbortError") : reason;
      const steps = signal.#steps;
      signal.#steps = [];
      for (let i = 0; i < steps.length; i++) steps[i]();
      const event = new Event("abort");
      markTrusted(event);
      dispatchOn(signal, event);
    };
  }
}
const dispatchOn = uncurry(EventTarget.prototype.dispatchEvent);
exposeClass(AbortSignal, "AbortSignal");
handlerProperty(AbortSignal, "abort");

class AbortController {
  #signal = new AbortSignal(makingSignal);
  get signal() { return this.#signal; }
  abort(reason) { abortSignal(this.#signal, reason); }
}
exposeClass(AbortController, "AbortController");
