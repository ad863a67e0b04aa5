"use strict";

const { Router } = require("express");
const { createHash } = require("node:crypto");

const { ShopError } = require("../errors");

module.exports = function orders() {
  const router = Router();
  const all = new Map();
  router.get("/", (request, response) => {
    const { customer } = request.query;
    response.json([...all.values()].filter((order) => customer === undefined || order.customer === customer));
  });
  router.post("/", (request, response) => {
    const { customer, items } = request.body ?? {};
    if (typeof customer !== "string" || !Array.isArray(items)) throw new ShopError(422, "an order has a customer and items");
    const id = createHash("sha256").update(JSON.stringify([customer, items])).digest("base64url").slice(0, 8);
    all.set(id, { id, customer, items, total: items.reduce((sum, { price, count }) => sum + price * count, 0) });
    response.status(201).location(`/orders/${id}`).json(all.get(id));
  });
  router
    .route("/:id")
    .all((request, response, next) => (all.has(request.params.id) ? next() : next(new ShopError(404, "no such order"))))
    .get((request, response) => response.json(all.get(request.params.id)))
    .delete((request, response) => {
      all.delete(request.params.id);
      response.sendStatus(204);
    });
  return router;
};
