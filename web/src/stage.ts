/** What tests begin with: a conversation that is open, as a state and as a chat that talks. */

import { Chat } from "./chat";
import { FakeWorld, ack, ready } from "./fakes";
import type { FakeWire } from "./fakes";
import type { Message, ServerFrame } from "./frames";
import { reduce } from "./protocol";
import { INITIAL } from "./state";
import type { Act, State } from "./state";

export function after(state: State, ...events: (ServerFrame | Act)[]): State {
  return events.reduce(reduce, state);
}

const AT = "2030-01-02T03:04:05Z";

export const opening: Act = { type: "open", cid: null, start: "s1" };
export const said = (id: string, text = id): Act => ({ type: "say", id, text, at: AT });
export const retried = (id: string, of: string, text: string | null = null): Act => ({
  type: "retry",
  id,
  of,
  text,
  at: AT,
});

/** Open and empty. */
export const open = after(INITIAL, opening, ready("s1", []));
/** One message, which is durable and has the seq 1. */
export const asked = after(open, said("a"), ack("a", 1));

export const textsOf = (state: State) => state.transcript.messages.map(({ text }) => text);

/** A chat whose conversation is open. */
export async function opened(messages: Message[] = []) {
  const world = new FakeWorld();
  const chat = new Chat(world);
  chat.start();
  chat.open(null);
  const wire = await world.opens();
  wire.says(ready(idOf(wire, "start"), messages));
  return { world, chat, wire };
}

/** The connection is lost and comes back. */
export async function reconnected(world: FakeWorld): Promise<FakeWire> {
  world.wire.onclose?.();
  await world.pass(250);
  return world.opens();
}

export function idOf(wire: FakeWire, type: string): string {
  return String(wire.last(type).id);
}

export const sentOf = (wire: FakeWire, kind: string) =>
  wire.sent.filter(({ type }) => type === kind);
