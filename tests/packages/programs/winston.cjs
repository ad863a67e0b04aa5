// package: winston
const fs = require("node:fs");
const winston = require("winston");
const { combine, printf, splat, errors, json } = winston.format;
fs.rmSync("/tmp/winston.log", { force: true });
const log = winston.createLogger({
  level: "verbose",
  defaultMeta: { service: "s" },
  format: combine(
    errors(),
    splat(),
    printf(({ level, message, service, ...meta }) => `[${level}] ${service} ${message} ${JSON.stringify(meta)}`),
  ),
  transports: [
    new winston.transports.Console(),
    new winston.transports.File({ filename: "/tmp/winston.log", level: "error", format: json() }),
  ],
});
log.info("hello %s", "world", { a: 1 });
log.child({ request: 5 }).verbose("child");
log.debug("hidden");
log.error("failed");
log.on("finish", () => setTimeout(() => console.log(fs.readFileSync("/tmp/winston.log", "utf8")), 100));
log.end();
