// DOMException, which the web's interfaces throw.

const domExceptionCodes = {
  __proto__: null,
  IndexSizeError: 1, HierarchyRequestError: 3, WrongDocumentError: 4, InvalidCharacterError: 5,
  NoModificationAllowedError: 7, NotFoundError: 8, NotSupportedError: 9, InUseAttributeError: 10,
  InvalidStateError: 11, SyntaxError: 12, InvalidModificationError: 13, NamespaceError: 14, InvalidAccessError: 15,
  TypeMismatchError: 17, SecurityError: 18, NetworkError: 19, AbortError: 20, URLMismatchError: 21,
  QuotaExceededError: 22, TimeoutError: 23, InvalidNodeTypeError: 24, DataCloneError: 25,
};

class DOMException extends ErrorOf {
  #name;
  constructor(message = "", options = "Error") {
    const given = typeof options === "object" && options !== null;
    super(`${message}`, given && "cause" in options ? { cause: options.cause } : undefined);
    this.#name = `${given ? options.name ?? "Error" : options}`;
  }
  get name() { return this.#name; }
  get code() { return domExceptionCodes[this.#name] ?? 0; }
}
defineProperty(DOMException.prototype, symbolToStringTag, { __proto__: null, value: "DOMException", configurable: true });

function typeError(message, code) {
  const error = new TypeErrorOf(message);
  if (code !== undefined) defineProperty(error, "code", { __proto__: null, value: code, writable: true, configurable: true });
  return error;
}
