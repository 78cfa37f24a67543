import { describe, expect, it } from "vitest";

import { Chat } from "./chat";
import { FakeServer } from "./fakeServer";
import { FakeWorld } from "./fakes";
import type { Message } from "./frames";
import { retryable } from "./state";
import { shown } from "./transcript";

/** The same numbers for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function step(chat: Chat, said: string[], random: () => number): void {
  const dice = random();
  const mine = shown(chat.current().transcript).filter(({ role }) => role === "user");
  const target = mine[Math.floor(random() * mine.length)];
  if (chat.current().cid === null) return; // nowhere to say it yet
  if (dice < 0.25) {
    said.push(`said ${String(said.length)}`);
    chat.say(said.at(-1) ?? "");
  } else if (dice < 0.3 && target !== undefined) {
    chat.edit(target.id, `edited ${String(dice)}`);
  } else if (dice < 0.36) {
    chat.silence();
  } else if (dice < 0.42) {
    const answer = retryable(chat.current());
    if (answer !== null) chat.tryAgain(answer.id);
  }
}

/** What people read of these rows, found out in another way than the page's. */
function readable(rows: readonly Message[]): string[] {
  const away = new Set<number>();
  for (const { seq, supersedes_from: from } of rows) {
    for (let hidden = from ?? seq; hidden < seq; hidden += 1) away.add(hidden);
  }
  return rows
    .filter(({ seq, hidden }) => !away.has(seq) && hidden !== true)
    .map(({ text }) => text);
}

async function live(seed: number) {
  const random = randomOf(seed);
  const world = new FakeWorld();
  const server = new FakeServer((p) => random() < p);
  const chat = new Chat(world);
  const said: string[] = [];
  chat.start();
  chat.open(null);
  await world.opens();
  const round = async (ms: number) => {
    await world.pass(ms);
    if (chat.current().status !== "online") await world.opens();
    server.listen(world.wire);
    server.work();
    server.listen(world.wire);
  };
  for (let n = 0; n < 120; n += 1) {
    step(chat, said, random);
    if (random() < 0.05) world.wire.onclose?.();
    if (random() < 0.04) server.away = true;
    else if (server.away && random() < 0.2) server.drain();
    await round(random() * 2_000);
  }
  server.calm = true;
  server.drain();
  for (let n = 0; n < 400; n += 1) await round(500);
  return { chat, server, said };
}

describe("a page on a line that loses, repeats, delays and breaks", () => {
  it.each(Array.from({ length: 60 }, (_, seed) => [seed]))(
    "shows what the server has in the end (seed %i)",
    async (seed) => {
      const { chat, server, said } = await live(seed);
      const view = chat.current();
      expect(server.silent).toBe(true);
      expect(shown(view.transcript).map(({ text }) => text)).toEqual(readable(server.rows));
      expect(view).toMatchObject({ unsaved: [], live: null, stop: null, degraded: [] });
      expect(view.outbox.filter(({ status }) => status !== "failed")).toEqual([]);
      const texts = server.rows.map(({ text }) => text);
      expect(texts.filter((text) => text.startsWith("said"))).toEqual(said);
      const edits = texts.filter((text) => text.startsWith("edited"));
      expect(new Set(edits).size).toBe(edits.length);
    },
  );
});
