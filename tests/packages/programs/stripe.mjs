// package: stripe
import http from "node:http";
import Stripe from "stripe";
const server = http.createServer((request, response) => {
  let body = "";
  request
    .on("data", (part) => {
      body += part;
    })
    .on("end", () => {
      const bad = body.includes("amount=0");
      response
        .writeHead(bad ? 400 : 200, { "content-type": "application/json" })
        .end(
          JSON.stringify(
            bad
              ? { error: { type: "invalid_request_error", message: "amount" } }
              : { id: "pi_1", url: request.url, body, auth: request.headers.authorization },
          ),
        );
    });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const stripe = new Stripe("sk_test_x", {
  host: "127.0.0.1",
  port: server.address().port,
  protocol: "http",
  telemetry: false,
  maxNetworkRetries: 0,
});
const made = await stripe.paymentIntents.create({
  amount: 500,
  currency: "eur",
  metadata: { a: "b c" },
  expand: ["x"],
});
console.log(made.url, made.body, made.auth);
await stripe.paymentIntents
  .create({ amount: 0, currency: "eur" })
  .catch((error) => console.log(error.type, error.message));
const header = stripe.webhooks.generateTestHeaderString({ payload: '{"id":"evt"}', secret: "whsec", timestamp: 1 });
console.log(header, stripe.webhooks.constructEvent('{"id":"evt"}', header, "whsec", 1e12));
try {
  stripe.webhooks.constructEvent("{}", header, "whsec", 1e12);
} catch (error) {
  console.log(error.type);
}
server.close();
server.closeAllConnections();
