// package: @aws-sdk/client-s3
import http from "node:http";
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
const seen = [];
const server = http.createServer((request, response) => {
  let body = "";
  request
    .on("data", (part) => {
      body += part;
    })
    .on("end", () => {
      seen.push([
        request.method,
        request.url.replace(/&?x-id=\w+/, ""),
        body.length > 0,
        /^AWS4-HMAC-SHA256 Credential=id\//.test(request.headers.authorization),
      ]);
      if (request.url.includes("none"))
        return response
          .writeHead(404, { "content-type": "application/xml" })
          .end("<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>");
      if (request.url.includes("list-type"))
        return response
          .writeHead(200, { "content-type": "application/xml" })
          .end(
            "<ListBucketResult><Contents><Key>a.txt</Key><Size>3</Size></Contents><KeyCount>1</KeyCount></ListBucketResult>",
          );
      response.writeHead(200, { etag: '"e"' }).end(request.method === "GET" ? "stored" : "");
    });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const s3 = new S3Client({
  endpoint: `http://127.0.0.1:${server.address().port}`,
  region: "eu-central-1",
  forcePathStyle: true,
  credentials: { accessKeyId: "id", secretAccessKey: "secret" },
});
console.log(
  (await s3.send(new PutObjectCommand({ Bucket: "b", Key: "a b.txt", Body: "text" }))).ETag,
  await (await s3.send(new GetObjectCommand({ Bucket: "b", Key: "a.txt" }))).Body.transformToString(),
  (await s3.send(new ListObjectsV2Command({ Bucket: "b" }))).Contents,
);
await s3
  .send(new GetObjectCommand({ Bucket: "b", Key: "none" }))
  .catch((error) => console.log(error.name, error.$metadata.httpStatusCode));
console.log(seen);
s3.destroy();
server.close();
