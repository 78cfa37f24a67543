import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";

import { Store } from "./components/Store";
import { CID, delta, done, error, ready, row } from "./fakes";
import type { Ready, Source, Tool } from "./frames";
import { asOf, windowOf } from "./sources";
import { after, asked, idOf, open, opened, opening, reconnected, sentOf } from "./stage";
import { INITIAL, awaiting } from "./state";
import type { Act } from "./state";
import { doingOf } from "./tools";
import { shown } from "./transcript";

const SHOP = "harbour-coffee.myshopify.com";
const met = (user: string | null, store: string | null = null): Act => ({
  type: "met",
  user,
  store,
});
const connected = (more: Partial<Ready> = {}, shop: string | null = SHOP) =>
  ready("s9", [], { connected: { shop }, ...more });

describe("the connected store", () => {
  it("is unknown until somebody said so", () => {
    expect(INITIAL.shop).toBeUndefined();
    expect(after(INITIAL, met("usr_1")).shop).toBeUndefined();
  });

  it("is what the server says it is", () => {
    const state = after(INITIAL, met("usr_1"), opening, ready("s1", []));
    expect(state.shop).toBeNull();
    expect(after(state, connected()).shop).toBe(SHOP);
    expect(after(state, connected(), connected({}, null)).shop).toBeNull();
  });

  it("stays while the database that knows it is away", () => {
    const away = { degraded: ["postgres"] };
    expect(after(open, connected(), connected(away, null)).shop).toBe(SHOP);
    expect(after(INITIAL, met("usr_1"), connected(away, null)).shop).toBeUndefined();
  });

  it("goes along into other conversations, also into none", () => {
    const state = after(open, met("usr_1"), connected(), { type: "open", cid: CID, start: "s2" });
    expect(state).toMatchObject({ shop: SHOP, user: "usr_1" });
    expect(after(state, error("not_found", { re: "s2", retryable: false }))).toMatchObject({
      shop: SHOP,
      user: "usr_1",
      cid: null,
    });
  });

  it("is no stranger's, and not the next user's either", () => {
    const state = after(open, met("usr_1"), connected());
    expect(after(state, met("usr_1")).shop).toBe(SHOP);
    expect(after(state, met(null))).toMatchObject({ shop: null, user: null });
    expect(after(state, met("usr_2"))).toMatchObject({ shop: undefined, user: "usr_2" });
  });
});

describe("the store of whoever is signed in", () => {
  it("is known before anybody could say whether it is connected, and when it is not", () => {
    const state = after(INITIAL, met("usr_1", SHOP), opening);
    expect(state).toMatchObject({ store: SHOP, shop: undefined });
    expect(after(state, ready("s1", []))).toMatchObject({ store: SHOP, shop: null });
  });

  it("goes along into other conversations, and with the one who signs out", () => {
    const state = after(open, met("usr_1", SHOP), { type: "open", cid: CID, start: "s2" });
    expect(state.store).toBe(SHOP);
    expect(after(state, met(null, SHOP)).store).toBeNull();
  });

  it("comes with the session", async () => {
    const { world, chat } = await opened();
    expect(chat.current().store).toBeNull();
    world.user = "usr_1";
    world.shop = SHOP;
    await reconnected(world);
    expect(chat.current().store).toBe(SHOP);
  });
});

describe("the place of the store on the page", () => {
  const place = (shop: string | null | undefined, store: string | null) =>
    renderToStaticMarkup(createElement(Store, { shop, store, onConnect: () => undefined }));

  it("is empty while nobody could say", () => {
    expect(place(undefined, SHOP)).toBe("");
  });

  it("offers to connect one", () => {
    expect(place(null, null)).toMatch(/^<button [^>]*>Connect store<\/button>$/);
  });

  it("offers to connect the one again that Shopify does not show any more", () => {
    expect(place(null, SHOP)).toMatch(/^<button [^>]*>Connect again<\/button>$/);
  });

  it("is a button with the store's name that leads to the form, too", () => {
    const button = place(SHOP, SHOP);
    expect(button).toMatch(/^<button [^>]*aria-haspopup="dialog"/);
    expect(button).toContain(`>${SHOP}<`);
  });
});

describe("whoever is signed in", () => {
  it("is known with each new connection", async () => {
    const { world, chat } = await opened();
    expect(chat.current().user).toBeNull();
    world.user = "usr_1";
    await reconnected(world);
    expect(chat.current().user).toBe("usr_1");
  });

  it("is told again whether the store is connected, when CJ could not see it", async () => {
    const { world, chat, wire } = await opened([row(1, "user")]);
    const tool: Tool = {
      type: "tool",
      cid: CID,
      turn: "t1",
      gen: 1,
      call: "c1",
      name: "get_shopify_store_counts",
      status: "error",
    };
    wire.says(tool);
    wire.says(delta(0, "No."));
    wire.says(done(1, 2));
    expect(sentOf(wire, "start")[1]).toMatchObject({ cid: CID, after_seq: 2 });
    wire.says(ready(idOf(wire, "start"), [], { connected: { shop: SHOP }, last_seq: 2 }));
    expect(chat.current().shop).toBe(SHOP);
    chat.say("And now?");
    wire.says({ ...tool, turn: "t2", status: "ok" });
    wire.says(done(0, 4, { turn: "t2", status: "stopped" }));
    await world.pass(250);
    expect(sentOf(wire, "start")).toHaveLength(2);
  });
});

describe("a greeting that is late", () => {
  const trigger = row(1, "system", { hidden: true, text: "", client_id: "trigger" });
  const greeting = { workflow: "shopify_post_auth", connected: { shop: SHOP } };
  const looking = "CJ is looking at your store…";
  const asked = after(INITIAL, opening, ready("s1", [trigger], greeting));

  it("is awaited from the beginning, also before anybody has asked for it", () => {
    const early = after(INITIAL, opening, ready("s1", [], greeting));
    for (const state of [early, asked]) {
      expect(awaiting(state)).toBe(true);
      expect(doingOf(state)).toBe(looking);
    }
    expect(after(early, { type: "message", cid: CID, seq: 1, message: trigger })).toMatchObject({
      transcript: { last_seq: 1 },
    });
  });

  it("has its words from the first one on", () => {
    const speaking = after(asked, delta(0, "Welcome!"));
    expect(doingOf(speaking)).toBeNull();
    expect(awaiting(speaking)).toBe(true);
    const told = after(speaking, done(1, 2, { answers_through: 1 }));
    expect(awaiting(told)).toBe(false);
    expect(doingOf(told)).toBeNull();
  });

  it("says what CJ looks at, once that is known", () => {
    const tool = { type: "tool", cid: CID, turn: "t1", gen: 1, call: "c1", status: "started" };
    const state = after(asked, { ...tool, name: "get_shopify_recent_orders" } as Tool);
    expect(doingOf(state)).toBe("Looking at orders…");
  });

  it("looks at nothing where no store is connected, and is not awaited without a database", () => {
    const alone = ready("s1", [], { workflow: "shopify_post_auth" });
    expect(doingOf(after(INITIAL, opening, alone))).toBe("CJ is about to say hello…");
    const away = ready("s1", [], { ...greeting, degraded: ["postgres"] });
    expect(awaiting(after(INITIAL, opening, away))).toBe(false);
  });

  it("is no business of other conversations", () => {
    expect(awaiting(after(INITIAL, opening, ready("s1", [])))).toBe(false);
    expect(awaiting(after(asked, { type: "open", cid: CID, start: "s2" }))).toBe(false);
  });

  it("is asked for again when nothing comes", async () => {
    const { world, wire, chat } = await opened();
    chat.open(CID);
    wire.says(ready(idOf(wire, "start"), [], greeting));
    await world.pass(14_500);
    expect(sentOf(wire, "resume")).toEqual([]);
    await world.pass(1_000);
    expect(sentOf(wire, "resume")).toMatchObject([{ cid: CID, after_seq: 0 }]);
  });
});

describe("the greeting that waits", () => {
  it("is there with the first ready, and nothing is awaited", () => {
    const trigger = row(1, "user", { hidden: true, text: "", client_id: "trigger" });
    const greeting = row(2, "assistant", { text: "Welcome!", answers_through: 1 });
    const state = after(INITIAL, opening, ready("s1", [trigger, greeting]));
    expect(shown(state.transcript)).toEqual([greeting]);
    expect(awaiting(state)).toBe(false);
  });
});

const source = (as_of: string | null, days: number | null): Source => ({
  tool: "get_shopify_store_counts",
  as_of,
  cached: false,
  window: days === null ? null : { days },
});

describe("what an answer rests on", () => {
  const sources = [source("2030-01-02T03:00:00+00:00", 60)];

  it("stays with the answer when it is done", () => {
    const told = after(asked, delta(0, "Three."), done(1, 2, { sources }));
    expect(told.transcript.messages[1]).toMatchObject({ text: "Three.", sources });
  });

  it("stays with an answer that is not saved, and with the row it becomes", () => {
    const unsaved = after(asked, delta(0, "Three."), done(1, null, { sources, answers: ["a"] }));
    expect(unsaved.unsaved[0]).toMatchObject({ sources });
    const saved = after(unsaved, { type: "committed", cid: CID, message_id: "mnull", seq: 2 });
    expect(saved.transcript.messages[1]).toMatchObject({ text: "Three.", sources });
  });

  it.each([
    [[60], "orders of the last 60 days"],
    [[60, null, 60], "orders of the last 60 days"],
    [[60, 7], "orders of the last 7 and 60 days"],
    [[60, 7, 30], "orders of the last 7, 30 and 60 days"],
    [[null], null],
  ])("names the days of the orders it saw (%j)", (days, words) => {
    expect(windowOf(days.map((one) => source(null, one)))).toBe(words);
  });

  it("is as old as its oldest look", () => {
    const old = source("2030-01-02T03:00:00+00:00", 60);
    const older = source("2030-01-02T04:30:00+02:00", 60);
    expect(asOf([old, source(null, 60), older])).toBe(older.as_of);
    expect(asOf([source(null, 60)])).toBeNull();
  });
});
