"use strict";

class ShopError extends Error {
  constructor(status, message) {
    super(message);
    this.name = "ShopError";
    this.status = status;
  }
}

/** The last middleware: tells the client what it may know, and the log the rest. */
function report(log) {
  return (error, request, response, next) => {
    if (response.headersSent) return next(error);
    const status = error.status ?? 500;
    if (status >= 500) console.error(error);
    log(`failed: ${error.name}`);
    response.status(status).json({ error: status >= 500 ? "internal" : error.message, type: error.type });
  };
}

module.exports = { ShopError, report };
