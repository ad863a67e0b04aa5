// package: @nestjs/core
require("reflect-metadata");
const http = require("node:http");
const {
  Body,
  Controller,
  Get,
  Injectable,
  Module,
  NotFoundException,
  Param,
  ParseIntPipe,
  Post,
} = require("@nestjs/common");
const { NestFactory } = require("@nestjs/core");
const decorate = (decorators, target, key) => {
  const descriptor = key && Object.getOwnPropertyDescriptor(target, key);
  for (const each of decorators) each(target, key, descriptor);
  if (descriptor) Object.defineProperty(target, key, descriptor);
};
class Store {
  items = ["zero", "one"];
}
decorate([Injectable()], Store);
class Items {
  constructor(store) {
    this.store = store;
  }
  one(id) {
    if (!this.store.items[id]) throw new NotFoundException(`no ${id}`);
    return { item: this.store.items[id] };
  }
  add(body) {
    return this.store.items.push(body.name);
  }
}
Reflect.defineMetadata("design:paramtypes", [Store], Items);
Param("id", ParseIntPipe)(Items.prototype, "one", 0);
Body()(Items.prototype, "add", 0);
decorate([Get(":id")], Items.prototype, "one");
decorate([Post()], Items.prototype, "add");
decorate([Controller("items")], Items);
class App {}
decorate([Module({ controllers: [Items], providers: [Store] })], App);
(async () => {
  const app = await NestFactory.create(App, { logger: false });
  await app.listen(0, "127.0.0.1");
  const { port } = app.getHttpServer().address();
  const ask = (method, path, body) =>
    new Promise((resolve) =>
      http
        .request(
          { host: "127.0.0.1", port, method, path, headers: body ? { "content-type": "application/json" } : {} },
          async (response) => resolve(`${response.statusCode} ${Buffer.concat(await response.toArray())}`),
        )
        .end(body),
    );
  console.log(
    await ask("GET", "/items/1"),
    await ask("GET", "/items/7"),
    await ask("GET", "/items/x"),
    await ask("POST", "/items", '{"name":"two"}'),
  );
  await app.close();
})();
