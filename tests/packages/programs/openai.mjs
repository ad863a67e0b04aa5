// package: openai
import OpenAI from "openai";
const asked = [];
const fetch = async (url, init) => {
  asked.push([
    new URL(url).pathname,
    init.method,
    JSON.parse(init.body).stream ?? false,
    init.headers.get("authorization"),
  ]);
  if (JSON.parse(init.body).stream)
    return new Response(
      'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: {"choices":[{"delta":{"content":"b"}}]}\n\ndata: [DONE]\n\n',
      { headers: { "content-type": "text/event-stream" } },
    );
  if (JSON.parse(init.body).model === "bad")
    return new Response('{"error":{"message":"no such model","code":"x"}}', {
      status: 404,
      headers: { "content-type": "application/json" },
    });
  return new Response('{"choices":[{"message":{"role":"assistant","content":"hi"}}]}', {
    headers: { "content-type": "application/json" },
  });
};
const client = new OpenAI({ apiKey: "key", fetch, maxRetries: 0 });
const messages = [{ role: "user", content: "hello" }];
console.log((await client.chat.completions.create({ model: "m", messages })).choices[0].message);
for await (const part of await client.chat.completions.create({ model: "m", messages, stream: true }))
  console.log(part.choices[0].delta);
await client.chat.completions
  .create({ model: "bad", messages })
  .catch((error) => console.log(error.constructor.name, error.status, error.message));
console.log(asked);
