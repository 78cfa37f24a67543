import { describe, expect, it } from "vitest";

import type { Session } from "./api";
import { FakeWorld } from "./fakes";
import type { ServerFrame } from "./frames";
import { ANSWER_MS, PING_MS, Socket } from "./socket";
import type { Status } from "./socket";

function connect() {
  const world = new FakeWorld();
  const heard: ServerFrame[] = [];
  const statuses: Status[] = [];
  const sessions: Session[] = [];
  const socket = new Socket(world, {
    session: (session) => sessions.push(session),
    status: (status) => statuses.push(status),
    frame: (frame) => heard.push(frame),
  });
  socket.start();
  return { world, heard, statuses, sessions, socket };
}

const pong = { type: "pong", re: "p" };

describe("the socket", () => {
  it("asks for a session before it dials", async () => {
    const { world, statuses, sessions } = connect();
    expect(world.wires).toHaveLength(0);
    await world.opens();
    expect(statuses).toEqual(["online"]);
    expect(sessions).toEqual([{ user: null, shop: null }]);
  });

  it("tries again with full jitter, from half a second up to thirty", async () => {
    const { world } = connect();
    const wire = await world.opens();
    world.reachable = false;
    wire.onclose?.();
    await world.pass(60_000);
    const waits = world.waits.filter((ms) => ms !== ANSWER_MS && ms !== PING_MS);
    // random() is one half here: every wait is half of its ceiling.
    expect(waits.slice(0, 8)).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
  });

  it("alarms nobody until the first try to come back has failed", async () => {
    const { world, statuses } = connect();
    (await world.opens()).onclose?.();
    world.reachable = false;
    await world.pass(250);
    expect(statuses).toEqual(["online", "connecting", "offline"]);
  });

  it("starts over with short waits only after an answer, not after a handshake", async () => {
    const { world } = connect();
    (await world.opens()).onclose?.();
    await world.pass(250);
    (await world.opens()).onclose?.();
    expect(world.waits.at(-1)).toBe(500);
    await world.pass(500);
    const wire = await world.opens();
    wire.says({ type: "error", code: "unauthenticated", message: "", retryable: true });
    wire.onclose?.();
    expect(world.waits.at(-1)).toBe(1_000);
    await world.pass(1_000);
    const well = await world.opens();
    well.says(pong);
    well.onclose?.();
    expect(world.waits.at(-1)).toBe(250);
  });

  it("does not wait when the network is back", async () => {
    const { world, socket } = connect();
    const wire = await world.opens();
    world.reachable = false;
    wire.onclose?.();
    await world.pass(250);
    world.reachable = true;
    socket.hurry();
    await world.settle();
    expect(world.wires).toHaveLength(2);
  });

  it("pings every four minutes", async () => {
    const { world } = connect();
    const wire = await world.opens();
    await world.pass(PING_MS - 1);
    expect(wire.sent).toEqual([]);
    await world.pass(1);
    expect(wire.sent).toMatchObject([{ v: 1, type: "ping" }]);
    wire.says(pong);
    await world.pass(PING_MS);
    expect(wire.sent).toHaveLength(2);
  });

  it("gives up a line on which nothing is answered", async () => {
    const { world, socket } = connect();
    const wire = await world.opens();
    socket.send({ type: "ping", id: "p" });
    await world.pass(ANSWER_MS + 250);
    expect(wire.closed).toBe(true);
    expect(world.wires).toHaveLength(2);
  });

  it("does not hear what an old connection still says", async () => {
    const { world, heard } = connect();
    const old = await world.opens();
    old.onclose?.();
    await world.pass(250);
    const now = await world.opens();
    old.says(pong);
    old.onclose?.();
    expect(heard).toEqual([]);
    now.says(pong);
    expect(heard).toMatchObject([pong]);
  });

  it("stays closed once it was stopped", async () => {
    const { world, socket } = connect();
    const wire = await world.opens();
    socket.stop();
    wire.onclose?.();
    await world.pass(60_000);
    expect(wire.closed).toBe(true);
    expect(world.wires).toHaveLength(1);
    expect(socket.send({ type: "ping", id: "p" })).toBe(false);
  });
});
