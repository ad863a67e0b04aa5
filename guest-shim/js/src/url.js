// URL and URLSearchParams. The parts of a URL come from Rust; here they are kept and shown.

let searchOf, attachSearch;

class URLSearchParams {
  #list = [];
  #url = null;
  constructor(init = "") {
    if (typeof init === "object" && init !== null || typeof init === "function") {
      if (typeof init[symbolIterator] === "function") {
        const pairs = ArrayOf.from(init);
        for (let i = 0; i < pairs.length; i++) {
          const pair = ArrayOf.from(pairs[i]);
          if (pair.length !== 2) throw typeError("Each pair must have a name and a value", "ERR_INVALID_TUPLE");
          arrayPush(this.#list, toUsv(pair[0]), toUsv(pair[1]));
        }
      } else {
        const names = ownKeys(init);
        for (let i = 0; i < names.length; i++) {
          if (isEnumerable(init, names[i])) arrayPush(this.#list, toUsv(names[i]), toUsv(init[names[i]]));
        }
      }
    } else {
      init = toUsv(init);
      this.#list = natives.formParse(stringStartsWith(init, "?") ? stringSlice(init, 1) : init);
    }
  }
  #changed() { if (this.#url !== null) searchOf(this.#url, natives.formSerialize(this.#list)); }
  get size() { return this.#list.length / 2; }
  append(name, value) { arrayPush(this.#list, toUsv(name), toUsv(value)); this.#changed(); }
  delete(name, value) {
    name = toUsv(name);
    for (let i = 0; i < this.#list.length;) {
      if (this.#list[i] === name && (value === undefined || this.#list[i + 1] === toUsv(value))) arraySplice(this.#list, i, 2);
      else i += 2;
    }
    this.#changed();
  }
  get(name) {
    name = toUsv(name);
    for (let i = 0; i < this.#list.length; i += 2) if (this.#list[i] === name) return this.#list[i + 1];
    return null;
  }
  getAll(name) {
    name = toUsv(name);
    const values = [];
    for (let i = 0; i < this.#list.length; i += 2) if (this.#list[i] === name) arrayPush(values, this.#list[i + 1]);
    return values;
  }
  has(name, value) {
    name = toUsv(name);
    for (let i = 0; i < this.#list.length; i += 2) {
      if (this.#list[i] === name && (value === undefined || this.#list[i + 1] === toUsv(value))) return true;
    }
    return false;
  }
  set(name, value) {
    name = toUsv(name);
    value = toUsv(value);
    let found = false;
    for (let i = 0; i < this.#list.length;) {
      if (this.#list[i] !== name) i += 2;
      else if (found) arraySplice(this.#list, i, 2);
      else { this.#list[i + 1] = value; found = true; i += 2; }
    }
    if (!found) arrayPush(this.#list, name, value);
    this.#changed();
  }
  sort() {
    const pairs = [];
    for (let i = 0; i < this.#list.length; i += 2) arrayPush(pairs, [this.#list[i], this.#list[i + 1]]);
    arraySort(pairs, (a, b) => a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0);
    this.#list = [];
    for (let i = 0; i < pairs.length; i++) arrayPush(this.#list, pairs[i][0], pairs[i][1]);
    this.#changed();
  }
  forEach(callback, receiver) {
    checkCallback(callback);
    for (let i = 0; i < this.#list.length; i += 2) apply(callback, receiver, [this.#list[i + 1], this.#list[i], this]);
  }
  *entries() { for (let i = 0; i < this.#list.length; i += 2) yield [this.#list[i], this.#list[i + 1]]; }
  *keys() { for (let i = 0; i < this.#list.length; i += 2) yield this.#list[i]; }
  *values() { for (let i = 0; i < this.#list.length; i += 2) yield this.#list[i + 1]; }
  toString() { return natives.formSerialize(this.#list); }
  [inspectCustom](depth, options, inspect) {
    const pairs = new MapOf();
    for (let i = 0; i < this.#list.length; i += 2) mapSet(pairs, this.#list[i], this.#list[i + 1]);
    const text = inspect(pairs);
    return `URLSearchParams ${stringSlice(text, stringIndexOf(text, "{"))}`;
  }
  static {
    attachSearch = (params, url, query) => {
      params.#url = url;
      params.#list = natives.formParse(query);
    };
  }
}
defineProperty(URLSearchParams.prototype, symbolIterator, {
  __proto__: null, value: URLSearchParams.prototype.entries, writable: true, configurable: true,
});
exposeClass(URLSearchParams, "URLSearchParams");

function toUsv(value) { return stringToWellFormed(`${value}`); }

class URL {
  #parts; #params = null;
  constructor(input, base) {
    const parts = natives.urlParse(toUsv(input), base === undefined ? undefined : toUsv(base));
    if (parts === undefined) {
      const error = typeError("Invalid URL", "ERR_INVALID_URL");
      error.input = `${input}`;
      throw error;
    }
    this.#parts = parts;
  }
  #set(index, value) {
    this.#parts = natives.urlSet(this.#parts[0], index, toUsv(value));
    if (this.#params !== null) attachSearch(this.#params, this, stringSlice(this.#parts[9], 1));
  }
  get href() { return this.#parts[0]; }
  set href(value) {
    const parts = natives.urlParse(toUsv(value), undefined);
    if (parts === undefined) throw typeError("Invalid URL", "ERR_INVALID_URL");
    this.#parts = parts;
    if (this.#params !== null) attachSearch(this.#params, this, stringSlice(parts[9], 1));
  }
  get origin() { return this.#parts[1]; }
  get protocol() { return this.#parts[2]; }
  set protocol(value) { this.#set(2, value); }
  get username() { return this.#parts[3]; }
  set username(value) { this.#set(3, value); }
  get password() { return this.#parts[4]; }
  set password(value) { this.#set(4, value); }
  get host() { return this.#parts[5]; }
  set host(value) { this.#set(5, value); }
  get hostname() { return this.#parts[6]; }
  set hostname(value) { this.#set(6, value); }
  get port() { return this.#parts[7]; }
  set port(value) { this.#set(7, value); }
  get pathname() { return this.#parts[8]; }
  set pathname(value) { this.#set(8, value); }
  get search() { return this.#parts[9]; }
  set search(value) { this.#set(9, value); }
  get hash() { return this.#parts[10]; }
  set hash(value) { this.#set(10, value); }
  get searchParams() {
    if (this.#params === null) {
      this.#params = new URLSearchParams();
      attachSearch(this.#params, this, stringSlice(this.#parts[9], 1));
    }
    return this.#params;
  }
  toString() { return this.#parts[0]; }
  toJSON() { return this.#parts[0]; }
  [inspectCustom](depth, options, inspect) {
    const names = ["href", "origin", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"];
    const shown = {};
    for (let i = 0; i < names.length; i++) shown[names[i]] = this.#parts[i];
    return `URL ${inspect(shown)}`;
  }
  static canParse(input, base) {
    return natives.urlParse(toUsv(input), base === undefined ? undefined : toUsv(base)) !== undefined;
  }
  static parse(input, base) { return URL.canParse(input, base) ? new URL(input, base) : null; }
  static {
    searchOf = (url, query) => { url.#parts = natives.urlSet(url.#parts[0], 9, query); };
  }
}
exposeClass(URL, "URL");
