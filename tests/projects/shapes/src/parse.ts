import { Circle, Rectangle, Square, type Shape } from "./shape.js";

type Maker = (...sizes: number[]) => Shape;

const makers = {
  circle: (radius = 1) => new Circle(radius),
  rectangle: (width = 1, height = 1) => new Rectangle(width, height),
  square: (side = 1) => new Square(side),
} satisfies Record<string, Maker>;

export type Kind = keyof typeof makers;

export const enum Rounding {
  None,
  Whole,
}

/** Reads `kind:size,size`. */
export function parse(text: string): Shape {
  const [kind = "", sizes = ""] = text.split(":");
  if (!Object.hasOwn(makers, kind)) throw new TypeError(`${kind} is no shape`);
  const make: Maker = makers[kind as Kind];
  return make(...sizes.split(",").filter(Boolean).map(Number));
}

export function* areas(shapes: Iterable<Shape>, rounding: Rounding = Rounding.None): Generator<[string, number]> {
  for (const shape of shapes) yield [shape.name, rounding === Rounding.Whole ? Math.round(shape.area()) : shape.area()];
}
