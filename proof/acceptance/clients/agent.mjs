// @nats-io/transport-node behind the agent commands: one JSON object per line in, one per line out
// (see src/agent.rs). The first argument is the folder whose node_modules holds the client.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(join(process.argv[2], "package.json"));
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const { connect, headers: newHeaders } = await load("@nats-io/transport-node");

let nc = null;
let reconnects = 0;
const subs = new Map();
const text = new TextDecoder();

function within(seconds, step) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("timeout")), seconds * 1000);
    step(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

const operations = {
  async connect({ urls, user, pass, token, echo, reconnect, tls }) {
    nc = await connect({
      servers: urls,
      name: "javascript-agent",
      noRandomize: true,
      noEcho: echo === false,
      reconnect: reconnect !== false,
      reconnectTimeWait: 50,
      reconnectJitter: 0,
      maxReconnectAttempts: -1,
      user,
      pass,
      token,
      tls: tls && {
        caFile: tls.ca,
        certFile: tls.cert,
        keyFile: tls.key,
        handshakeFirst: tls.first,
      },
    });
    (async () => {
      for await (const status of nc.status()) {
        if (status.type === "reconnect") reconnects += 1;
      }
    })();
    return {};
  },

  async sub({ label, subject, queue }) {
    const entry = { waiting: [], wake: null };
    entry.sub = nc.subscribe(subject, {
      queue: queue || undefined,
      callback: (error, message) => {
        if (error) return;
        entry.waiting.push(message);
        entry.wake?.();
      },
    });
    subs.set(label, entry);
    await nc.flush();
    return {};
  },

  async unsub({ label }) {
    subs.get(label).sub.unsubscribe();
    await nc.flush();
    return {};
  },

  async answer({ subject, queue, prefix }) {
    nc.subscribe(subject, {
      queue: queue || undefined,
      callback: (error, message) => {
        if (!error) message.respond(prefix + text.decode(message.data));
      },
    });
    await nc.flush();
    return {};
  },

  async pub({ subject, payloads, headers }) {
    const options = {};
    if (headers) {
      options.headers = newHeaders();
      for (const [name, values] of Object.entries(headers)) {
        for (const value of values) options.headers.append(name, value);
      }
    }
    for (const payload of payloads) nc.publish(subject, payload, options);
    await nc.flush();
    return {};
  },

  async take({ label, count, seconds }) {
    const entry = subs.get(label);
    await within(seconds, (done) => {
      entry.wake = () => {
        if (entry.waiting.length >= count) done();
      };
      entry.wake();
    });
    entry.wake = null;
    const messages = entry.waiting.splice(0, count).map((message) => {
      const shown = { subject: message.subject, payload: text.decode(message.data) };
      if (message.headers) {
        shown.headers = Object.fromEntries(message.headers.keys().map((name) => [name, message.headers.values(name)]));
      }
      return shown;
    });
    return { messages };
  },

  async waiting({ label }) {
    await nc.flush();
    return { count: subs.get(label).waiting.length };
  },

  async request({ subject, payload, seconds }) {
    try {
      const message = await nc.request(subject, payload, { timeout: seconds * 1000 });
      return { payload: text.decode(message.data) };
    } catch (error) {
      const told = `${error.name} ${error.message} ${error.cause?.name ?? ""}`;
      if (/no responders|NoResponders/i.test(told)) return { error: "no responders" };
      return { error: /timeout/i.test(told) ? "timeout" : told };
    }
  },

  async drain() {
    await nc.drain();
    return {};
  },

  async await_reconnects({ count, seconds }) {
    await within(seconds, (done) => {
      const timer = setInterval(() => {
        if (reconnects >= count) {
          clearInterval(timer);
          done();
        }
      }, 10);
    });
    await nc.flush();
    return {};
  },

  async server_name() {
    return { name: nc.info.server_name };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let answer;
  try {
    answer = await operations[command.op](command);
    if (!answer.error) answer.ok = true;
  } catch (error) {
    answer = { error: `${error.name}: ${error.message}` };
  }
  console.log(JSON.stringify(answer));
}
process.exit(0);
