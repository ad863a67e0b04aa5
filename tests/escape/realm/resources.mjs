// class: forged resources
// rule: a resource is a private field that only the platform sets; numbers of resources are the realm's own
// platforms: neutral bare node
// expects: DENIED a descriptor made by hand: TypeError
// expects: DENIED a heir of the class: TypeError
// expects: DENIED Reflect.construct: TypeError
// expects: DENIED another's prototype: TypeError
// expects: DENIED a child as a descriptor: TypeError
// expects: DENIED a child made by hand: TypeError
// expects: DENIED one that is closed: EBADF
// expects: DENIED one that is closed twice: nothing happens
// expects: DENIED a number of another's: TypeError
// expects: DENIED an endless number: EMFILE
import { Descriptor, memoryFile } from "cordon:vm/descriptors";
import { Child, spawn } from "cordon:vm/process";
import { attempt } from "/escape/report.mjs";

attempt("a descriptor made by hand", () => new Descriptor(Symbol("making a resource"), 1));
attempt("a heir of the class", () => { class Heir extends Descriptor { constructor() { super(undefined, 1); } } return new Heir(); });
attempt("Reflect.construct", () => Reflect.construct(Descriptor, [undefined, 1], Object));
attempt("another's prototype", () => Object.create(Descriptor.prototype).status());
attempt("a child as a descriptor", () => Reflect.apply(Descriptor.prototype.status, spawn({ program: "true" }), []));
attempt("a child made by hand", () => new Child({}, 1, 1));
attempt("one that is closed", () => { const file = memoryFile(); file.close(); return file.status(); });
attempt("one that is closed twice", () => { const file = memoryFile(); file.close(); file.close(); return "nothing happens"; });
attempt("a number of another's", () => spawn({ program: "true", descriptors: [[0, 1]] }));
attempt("an endless number", () => spawn({ program: "true", descriptors: [[2 ** 32 - 1, memoryFile()]] }));
