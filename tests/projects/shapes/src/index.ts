export * from "./shape.js";
export { areas, parse, type Kind } from "./parse.js";
