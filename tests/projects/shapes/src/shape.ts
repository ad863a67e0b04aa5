/** What has an area. */
export interface Shape {
  readonly name: string;
  area(): number;
}

export class Rectangle implements Shape {
  readonly name: string = "rectangle";
  constructor(readonly width: number, readonly height: number) {}
  area(): number {
    return this.width * this.height;
  }
}

export class Square extends Rectangle {
  override readonly name = "square";
  constructor(side: number) {
    super(side, side);
  }
}

export class Circle implements Shape {
  readonly name = "circle";
  #radius: number;
  constructor(radius: number) {
    this.#radius = radius;
  }
  area(): number {
    return Math.PI * this.#radius ** 2;
  }
}
