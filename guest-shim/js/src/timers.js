// Timers, microtasks and the clock. When a timer is due is kept in Rust; what it calls is kept here.

const timerCallbacks = new MapOf();
let clockStart = 0, clockOrigin = 0;

function clockNow() { return natives.now() - clockStart; }

function startTimer(callback, delay, parameters, repeat) {
  const id = natives.timerStart(delay, repeat);
  mapSet(timerCallbacks, id, { callback, parameters });
  return id;
}

function checkCallback(callback) {
  if (typeof callback !== "function") throw typeError("the callback is not a function", "ERR_INVALID_ARG_TYPE");
}

function setTimeout(callback, delay = 0, ...parameters) {
  checkCallback(callback);
  return startTimer(callback, +delay, parameters, false);
}

function setInterval(callback, delay = 0, ...parameters) {
  checkCallback(callback);
  return startTimer(callback, +delay, parameters, true);
}

function setImmediate(callback, ...parameters) {
  checkCallback(callback);
  const id = natives.immediateStart();
  mapSet(timerCallbacks, id, { callback, parameters });
  return id;
}

function clearTimeout(id) {
  if (typeof id !== "number" && typeof id !== "string") return;
  id = +id;
  if (mapDelete(timerCallbacks, id)) natives.timerStop(id);
}

function clearInterval(id) { clearTimeout(id); }
function clearImmediate(id) { clearTimeout(id); }

/** Called from Rust when a timer is due. */
function runTimer(id, again) {
  const timer = mapGet(timerCallbacks, id);
  if (timer === undefined) return;
  if (!again) mapDelete(timerCallbacks, id);
  apply(timer.callback, globalThis, timer.parameters);
}

function queueMicrotask(callback) {
  checkCallback(callback);
  natives.queueMicrotask(() => {
    try { callback(); } catch (error) { natives.reportUncaught(error); }
  });
}

class Performance extends EventTarget {
  constructor(token) {
    if (token !== makingSignal) throw typeError("Illegal constructor");
    super();
  }
  get timeOrigin() { return clockOrigin; }
  now() { return clockNow(); }
  toJSON() { return { timeOrigin: clockOrigin }; }
}
exposeClass(Performance, "Performance");
