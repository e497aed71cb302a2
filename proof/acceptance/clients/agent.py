"""nats-py behind the agent commands: one JSON object per line in, one per line out (see src/agent.rs)."""

import asyncio
import json
import ssl
import sys

import nats
from nats.errors import NoRespondersError, TimeoutError as NatsTimeout


class Agent:
    def __init__(self):
        self.nc = None
        self.subs = {}
        self.queues = {}
        self.reconnects = 0

    async def connect(self, urls, user=None, token=None, echo=True, **rest):
        async def reconnected():
            self.reconnects += 1

        async def ignore(_error):
            pass

        tls = rest.get("tls")
        context = None
        if tls:
            context = ssl.create_default_context(cafile=tls["ca"])
            if "cert" in tls:
                context.load_cert_chain(tls["cert"], tls["key"])
        options = {"tls": context, "user": user, "password": rest.get("pass"), "token": token}
        self.nc = await nats.connect(
            urls,
            name="python-agent",
            no_echo=not echo,
            dont_randomize=True,
            reconnect_time_wait=0.05,
            max_reconnect_attempts=-1,
            tls_handshake_first=bool(tls and tls.get("first")),
            allow_reconnect=rest.get("reconnect", True),
            reconnected_cb=reconnected,
            error_cb=ignore,
            **{key: value for key, value in options.items() if value is not None},
        )
        return {}

    async def flush(self):
        # The library's first PING can leave before what it has still to write; the second one cannot.
        await self.nc.flush()
        await self.nc.flush()

    async def sub(self, label, subject, queue):
        waiting = asyncio.Queue()

        async def keep(message):
            waiting.put_nowait(message)

        self.queues[label] = waiting
        self.subs[label] = await self.nc.subscribe(subject, queue=queue, cb=keep)
        await self.flush()
        return {}

    async def unsub(self, label):
        await self.subs[label].unsubscribe()
        await self.flush()
        return {}

    async def answer(self, subject, queue, prefix):
        async def reply(message):
            await message.respond(prefix.encode() + message.data)

        await self.nc.subscribe(subject, queue=queue, cb=reply)
        await self.flush()
        return {}

    async def pub(self, subject, payloads, headers=None):
        # This library holds one value per header.
        flat = {name: values[0] for name, values in headers.items()} if headers else None
        for payload in payloads:
            await self.nc.publish(subject, payload.encode(), headers=flat)
        await self.flush()
        return {}

    async def take(self, label, count, seconds):
        taken = []
        while len(taken) < count:
            message = await asyncio.wait_for(self.queues[label].get(), seconds)
            entry = {"subject": message.subject, "payload": message.data.decode()}
            if message.headers:
                entry["headers"] = {name: [value] for name, value in message.headers.items()}
            taken.append(entry)
        return {"messages": taken}

    async def waiting(self, label):
        await self.flush()
        return {"count": self.queues[label].qsize()}

    async def request(self, subject, payload, seconds):
        try:
            message = await self.nc.request(subject, payload.encode(), timeout=seconds)
        except NoRespondersError:
            return {"error": "no responders"}
        except NatsTimeout:
            return {"error": "timeout"}
        return {"payload": message.data.decode()}

    async def drain(self):
        await self.nc.drain()
        return {}

    async def await_reconnects(self, count, seconds):
        async def reached():
            while self.reconnects < count:
                await asyncio.sleep(0.01)

        await asyncio.wait_for(reached(), seconds)
        await self.flush()
        return {}

    async def server_name(self):
        return {"name": self.nc._server_info["server_name"]}


async def main():
    agent = Agent()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command = json.loads(line)
        operation = getattr(agent, command.pop("op"))
        try:
            answer = await operation(**command)
            if "error" not in answer:
                answer["ok"] = True
        except Exception as error:  # every failure is the answer; the test judges it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


asyncio.run(main())
