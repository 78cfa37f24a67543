import { describe, expect, it } from "vitest";

import { Refused, consentUrlIn } from "./api";
import { Connecting, LEAVING_MS, isCalled } from "./connecting";
import { CID, FakeWorld } from "./fakes";

const CONSENT = "https://harbour-coffee.myshopify.com/admin/oauth/authorize";

/** The server answers when told to. */
function begun() {
  const world = new FakeWorld();
  const asked: [string, string | null][] = [];
  const left: string[] = [];
  const answers: { give: (url: string) => void; refuse: (error: Error) => void }[] = [];
  const connecting = new Connecting({
    consentUrl: (shop, cid) => {
      asked.push([shop, cid]);
      return new Promise((give, refuse) => answers.push({ give, refuse }));
    },
    leave: (url) => left.push(url),
    later: world.later,
  });
  return { world, connecting, asked, left, answers };
}

describe("the way to Shopify's page", () => {
  it("is asked for with the store's name and the conversation, and then taken", async () => {
    const { connecting, asked, left, answers } = begun();
    const over = connecting.begin("  harbour-coffee ", CID);
    expect(asked).toEqual([["harbour-coffee", CID]]);
    expect(connecting.current()).toEqual({ busy: true, problem: null });
    answers[0]?.give(CONSENT);
    await over;
    expect(left).toEqual([CONSENT]);
    expect(connecting.current().busy).toBe(true);
  });

  it("is asked for once, however often the button is pressed", async () => {
    const { connecting, asked, left, answers } = begun();
    const over = connecting.begin("harbour-coffee", null);
    await connecting.begin("harbour-coffee", null);
    answers[0]?.give(CONSENT);
    await over;
    await connecting.begin("harbour-coffee", null);
    expect(asked).toHaveLength(1);
    expect(left).toHaveLength(1);
  });

  it("is not asked for without a name", async () => {
    const { connecting, asked } = begun();
    await connecting.begin(" ", null);
    expect(asked).toEqual([]);
    expect(connecting.current()).toMatchObject({ busy: false });
    expect(connecting.current().problem).toContain("name of your store");
  });

  it.each<[Error, string]>([
    [new Refused("This is no Shopify store."), "This is no Shopify store."],
    [new TypeError("fetch failed"), "CJ cannot be reached right now. Try again in a moment."],
  ])("ends in a line that people can read, and can be begun again (%s)", async (error, line) => {
    const { connecting, left, answers } = begun();
    const over = connecting.begin("no such thing", null);
    answers[0]?.refuse(error);
    await over;
    expect(connecting.current()).toEqual({ busy: false, problem: line });
    const again = connecting.begin("harbour-coffee", null);
    expect(connecting.current()).toEqual({ busy: true, problem: null });
    answers[1]?.give(CONSENT);
    await again;
    expect(left).toEqual([CONSENT]);
  });

  it("leads nowhere any more when the form was closed meanwhile", async () => {
    const { connecting, left, answers } = begun();
    const first = connecting.begin("harbour-coffee", null);
    connecting.reset();
    const second = connecting.begin("corner-candles", null);
    answers[0]?.give(CONSENT);
    await first;
    expect(left).toEqual([]);
    expect(connecting.current().busy).toBe(true);
    answers[1]?.refuse(new Refused("No."));
    await second;
    expect(connecting.current().problem).toBe("No.");
  });

  it("is free again for whoever did not leave after all", async () => {
    const { world, connecting, answers } = begun();
    const over = connecting.begin("harbour-coffee", null);
    answers[0]?.give(CONSENT);
    await over;
    await world.pass(LEAVING_MS - 1);
    expect(connecting.current().busy).toBe(true);
    await world.pass(1);
    expect(connecting.current()).toEqual({ busy: false, problem: null });
  });

  it("tells its listeners of every change", async () => {
    const { connecting, answers } = begun();
    const seen: boolean[] = [];
    const leave = connecting.subscribe(() => seen.push(connecting.current().busy));
    const over = connecting.begin("harbour-coffee", null);
    answers[0]?.refuse(new Refused("No."));
    await over;
    leave();
    connecting.reset();
    expect(seen).toEqual([true, false]);
  });
});

describe("a store that is known", () => {
  it.each<[string, boolean]>([
    ["harbour-coffee.myshopify.com", true],
    [" Harbour-Coffee ", true],
    ["", false],
    ["harbour", false],
    ["corner-candles", false],
  ])("is called by its name or its domain (%j)", (typed, same) => {
    expect(isCalled(typed, "harbour-coffee.myshopify.com")).toBe(same);
  });
});

describe("the server's answer", () => {
  it("says where to go", () => {
    expect(consentUrlIn({ url: CONSENT })).toBe(CONSENT);
  });

  it("says why not", () => {
    const refusal = { error: { code: "rate_limited", message: "A little too fast." } };
    expect(() => consentUrlIn(refusal)).toThrow(new Refused("A little too fast."));
  });

  it.each([
    null,
    {},
    { url: 5 },
    { url: "javascript:alert(1)" },
    { url: "//elsewhere.example" },
    { error: { message: 5 } },
    { message: "Internal Server Error" },
  ])("leads nowhere when it makes no sense (%j)", (answer) => {
    expect(() => consentUrlIn(answer)).toThrow(new Refused("CJ cannot do that right now."));
  });
});
