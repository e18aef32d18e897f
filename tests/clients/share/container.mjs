// Makes a container in an Azure object store, which no client does by itself.
//
//     node container.mjs ADDRESS ACCOUNT KEY CONTAINER
import crypto from "node:crypto";

const [address, account, key, container] = process.argv.slice(2);
const date = new Date().toUTCString(), version = "2021-08-06";
// "Authorize with Shared Key": the verb, eleven empty headers, those of Azure's own, and the resource.
const resource = `/${account}${new URL(address).pathname}/${container}\nrestype:container`;
const text = `PUT${"\n".repeat(12)}x-ms-date:${date}\nx-ms-version:${version}\n${resource}`;
const signature = crypto.createHmac("sha256", Buffer.from(key, "base64")).update(text, "utf8").digest("base64");
const headers = { "x-ms-date": date, "x-ms-version": version, "content-length": "0", authorization: `SharedKey ${account}:${signature}` };
const answer = await fetch(`${address}/${container}?restype=container`, { method: "PUT", headers });
if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
